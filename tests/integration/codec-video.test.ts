/** Decoder and encoder with real FFmpeg codecs. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { decode } from "../../src/engine/codec/decode-stream.ts";
import { encode } from "../../src/engine/codec/encode-stream.ts";
import { AVCOL_RANGE_MPEG, AVCOL_SPC_SMPTE170M, quietLibav } from "../../src/engine/codec/libav.ts";
import { VideoDecoder } from "../../src/engine/codec/video-decoder.ts";
import { VideoEncoder } from "../../src/engine/codec/video-encoder.ts";
import { FramePool, type VideoFrame } from "../../src/engine/codec/video-frame.ts";
import type { Size } from "../../src/engine/protocol.ts";
import { NAL_IDR, nalType, splitNals } from "../../src/media/annex-b.ts";
import type { EncodedVideo, VideoPacket } from "../../src/media/encoded-packet.ts";
import { ticks } from "../../src/media/time.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import type { ReadPacket } from "../support/clip-reader.ts";
import { drawFrame, lumaOf, type SyntheticOptions, synthetic } from "../support/clip-synthetic.ts";

const pool = new FramePool();
beforeAll(quietLibav);
afterEach(() => {
  expect(pool.live).toBe(0);
});

const packetOf = (read: ReadPacket, index: number): VideoPacket => ({
  kind: "video",
  codec: "h264",
  data: read.data,
  pts: ticks(read.pts),
  dts: ticks(read.dts),
  keyFrame: read.keyFrame,
  arrivedAt: index,
});

async function packets(options: SyntheticOptions): Promise<VideoPacket[]> {
  const media = await synthetic(options);
  return (media.video?.packets ?? []).map(packetOf);
}

const streamOf = <T>(items: readonly T[]): ReadableStream<T> =>
  new ReadableStream({
    start(controller) {
      for (const item of items) controller.enqueue(item);
      controller.close();
    },
  });

interface Seen extends Size {
  readonly pts: number;
  readonly luma: number;
  readonly arrivedAt: number;
}

function look(frame: VideoFrame): Seen {
  const { width, height, arrivedAt } = frame;
  const luma = frame.native.data?.[0]?.[(frame.native.linesize[0] ?? 0) * (height / 2) + 20] ?? -1;
  return { width, height, arrivedAt, luma, pts: Number(frame.pts) };
}

async function decoded(input: readonly VideoPacket[]): Promise<Seen[]> {
  const stages = new StageGroup();
  const seen: Seen[] = [];
  for await (const frame of streamOf(input).pipeThrough(stages.add(decode(pool)))) {
    seen.push(look(frame));
    frame[Symbol.dispose]();
  }
  await stages.settled();
  return seen;
}

const PART = { width: 128, height: 96, frames: 40 };

describe("decoding", () => {
  test("a packet without B-frames gives its frame at once, with the time it arrived", async () => {
    using decoder = new VideoDecoder("h264", pool);
    for (const [index, packet] of (await packets({ parts: [PART] })).entries()) {
      const frames = await decoder.decode(packet);
      expect(frames.map(look)).toMatchObject([{ pts: packet.pts, arrivedAt: index }]);
      for (const frame of frames) frame[Symbol.dispose]();
    }
    expect(decoder.errors).toBe(0);
  });

  test("B-frames come in presentation order, each with its own picture and arrival", async () => {
    const input = await packets({ parts: [PART], bFrames: 2, start: 6000 });
    expect(input.map(({ pts }) => pts)).not.toEqual(
      input.map(({ pts }) => pts).sort((a, b) => a - b),
    );
    const seen = await decoded(input);
    expect(seen.map(({ pts }) => pts)).toEqual(
      Array.from({ length: 40 }, (_, index) => 6000 + index * 3000),
    );
    for (const [index, { luma, pts, arrivedAt }] of seen.entries()) {
      expect(Math.abs(luma - lumaOf(index))).toBeLessThan(4);
      expect(arrivedAt).toBe(input.findIndex((packet) => packet.pts === pts));
    }
  });

  test("begins at the first key frame", async () => {
    const input = await packets({ parts: [PART], gop: 10 });
    const seen = await decoded(input.slice(3));
    expect(seen.map(({ pts }) => pts)[0]).toBe(10 * 3000);
    expect(seen.length).toBe(30);
  });

  test("a size that changes at a key frame is followed without a loss", async () => {
    const parts = [PART, { width: 322, height: 182, frames: 10 }, { ...PART, frames: 10 }];
    const seen = await decoded(await packets({ parts }));
    expect(seen.map(({ width }) => width)).toEqual([
      ...Array<number>(40).fill(128),
      ...Array<number>(10).fill(322),
      ...Array<number>(10).fill(128),
    ]);
  });

  test("a codec that changes gets a decoder of its own at its key frame", async () => {
    const input = await packets({ parts: [PART], gop: 10 });
    const other = input.slice(10, 13).map((packet) => ({ ...packet, codec: "vp8" as const }));
    const seen = await decoded([...input.slice(0, 10), ...other, ...input.slice(13)]);
    expect(seen.map(({ pts }) => pts / 3000)).toEqual([
      ...Array.from({ length: 10 }, (_, index) => index),
      ...Array.from({ length: 20 }, (_, index) => index + 20),
    ]);
  });

  test("damaged, empty and missing packets cost frames, never the stream", async () => {
    const clean = await packets({ parts: [{ ...PART, frames: 60 }], gop: 10 });
    let state = 7;
    const random = (): number => {
      state = (state * 1664525 + 1013904223) % 2 ** 32;
      return state / 2 ** 32;
    };
    for (let round = 0; round < 15; round++) {
      const input = clean.flatMap((packet, index) => {
        if (index === 0 || index >= 50 || random() < 0.6) return [packet];
        const kind = Math.floor(random() * 4);
        if (kind === 0) return [];
        if (kind === 1) return [{ ...packet, data: packet.data.subarray(0, 20) }];
        const data = packet.data.slice();
        for (let hit = 0; hit < 30; hit++) {
          const at = (kind === 2 ? 8 : 0) + Math.floor(random() * (data.length - 8));
          data[at] = Math.floor(random() * 256);
        }
        return [{ ...packet, data }];
      });
      input.splice(20, 0, { ...(clean[20] as VideoPacket), data: new Uint8Array(0) });
      const seen = await decoded(input);
      const last = seen.filter(({ pts }) => pts >= 50 * 3000);
      expect(last.length).toBe(10);
      for (const { pts, luma } of last) {
        expect(Math.abs(luma - lumaOf(pts / 3000))).toBeLessThan(4);
      }
    }
  });
});

/** Frames at these times, as the encode stage takes them. */
const frames = (times: readonly number[], size: Size = PART): VideoFrame[] =>
  times.map((pts, index) =>
    pool.adopt(drawFrame(size, index), { pts: ticks(pts), arrivedAt: index }),
  );

async function encoded(
  input: readonly VideoFrame[],
  options: Partial<Parameters<typeof encode>[0]> = {},
): Promise<EncodedVideo[]> {
  const stages = new StageGroup();
  const stage = encode({ segmentSeconds: 1, after: null, bitrate: () => undefined, ...options });
  const made: EncodedVideo[] = [];
  for await (const packet of streamOf(input).pipeThrough(stages.add(stage))) made.push(packet);
  await stages.settled();
  return made;
}

const times = (count: number, interval: number): number[] =>
  Array.from({ length: count }, (_, index) => Math.round(index * interval));

const keysOf = (made: readonly EncodedVideo[]): number[] =>
  made.flatMap(({ keyFrame }, index) => (keyFrame ? [index] : []));

describe("encoding", () => {
  test("one packet a frame, in its time, an IDR picture exactly where a segment begins", async () => {
    const made = await encoded(frames(times(75, 3000)));
    expect(made.map(({ pts }) => Number(pts))).toEqual(times(75, 3000));
    expect(made.map(({ arrivedAt }) => arrivedAt)).toEqual(times(75, 1));
    expect(keysOf(made)).toEqual([0, 30, 60]);
    for (const { data, keyFrame } of made) {
      expect(splitNals(data).some((nal) => nalType(nal) === NAL_IDR)).toBe(keyFrame);
    }
  });

  test("a rate that does not divide a second cuts at the frame nearest to it", async () => {
    const made = await encoded(frames(times(90, 3017)));
    expect(keysOf(made)).toEqual([0, 30, 60]);
    const slow = await encoded(frames(times(30, 7200)));
    expect(keysOf(slow)).toEqual([0, 12, 24]);
  });

  test("another size and another bitrate begin a segment with an encoder of their own", async () => {
    let rate: number | undefined;
    const input = [
      ...frames(times(5, 3000)),
      ...frames(
        times(5, 3000).map((pts) => pts + 15_000),
        { width: 64, height: 64 },
      ),
      ...frames(
        times(5, 3000).map((pts) => pts + 30_000),
        { width: 64, height: 64 },
      ),
    ];
    let asked = 0;
    const made = await encoded(input, {
      bitrate: () => {
        if (++asked === 11) rate = 200_000;
        return rate;
      },
    });
    expect(keysOf(made)).toEqual([0, 5, 10]);
    expect(new Set(made.map(({ format }) => format)).size).toBe(3);
    expect(made.map(({ format }) => format.width)).toEqual([
      ...Array<number>(5).fill(128),
      ...Array<number>(10).fill(64),
    ]);
  });

  test("frames that do not rise, or were sent before, are left out and freed", async () => {
    const made = await encoded(frames([0, 3000, 3000, 1500, 6000, 9000]), { after: ticks(0) });
    expect(made.map(({ pts }) => Number(pts))).toEqual([3000, 6000, 9000]);
    expect(made[0]?.keyFrame).toBe(true);
  });

  test("what it makes decodes to the pictures that went in, without delay", async () => {
    using encoder = new VideoEncoder({ size: PART });
    using decoder = new VideoDecoder("h264", pool);
    for (let index = 0; index < 20; index++) {
      using frame = pool.adopt(drawFrame(PART, index), { pts: ticks(index * 3000), arrivedAt: 0 });
      const packet = await encoder.encode(frame, index % 10 === 0);
      const data = packet.keyFrame
        ? Uint8Array.from([...packet.format.parameterSets, ...packet.data])
        : packet.data;
      const [back, ...more] = await decoder.decode({ ...packet, data });
      expect([Number(back?.pts), more.length]).toEqual([index * 3000, 0]);
      expect(Math.abs((back ? look(back).luma : -1) - lumaOf(index))).toBeLessThan(3);
      back?.[Symbol.dispose]();
    }
  });

  test("says which matrix and range its colours have", async () => {
    using decoder = new VideoDecoder("h264", pool);
    const [packet] = await encoded(frames([0], { width: 1280, height: 720 }));
    if (!packet) throw new Error("no packet");
    const data = Uint8Array.from([...packet.format.parameterSets, ...packet.data]);
    const [frame] = await decoder.decode({ ...packet, data });
    expect(frame?.native.colorSpace).toBe(AVCOL_SPC_SMPTE170M);
    expect(frame?.native.colorRange).toBe(AVCOL_RANGE_MPEG);
    frame?.[Symbol.dispose]();
  });

  test("a bitrate is kept to", async () => {
    const size = { width: 320, height: 240 };
    const busy = times(60, 3000).map((pts, index) => {
      const frame = pool.adopt(drawFrame(size, index), { pts: ticks(pts), arrivedAt: 0 });
      let state = index + 1;
      const luma = frame.native.data?.[0];
      for (let at = 0; luma && at < luma.length; at++) {
        state = (state * 1664525 + 1013904223) % 2 ** 32;
        luma[at] = state >>> 24;
      }
      return frame;
    });
    const made = await encoded(busy, { bitrate: () => 500_000 });
    const bits = made.reduce((sum, { data }) => sum + data.length * 8, 0);
    expect(bits / 2).toBeGreaterThan(250_000);
    expect(bits / 2).toBeLessThan(900_000);
  });

  test("a size that libx264 refuses is named", () => {
    expect(() => new VideoEncoder({ size: { width: 63, height: 64 } })).toThrow("63x64");
  });
});

test("codecs that are opened and closed again and again leave memory as it was", async () => {
  const input = await packets({ parts: [{ ...PART, frames: 3 }] });
  const round = async (): Promise<void> => {
    await decoded(input);
    await encoded(frames(times(3, 3000)));
  };
  for (let index = 0; index < 20; index++) await round();
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  for (let index = 0; index < 60; index++) await round();
  Bun.gc(true);
  expect(process.memoryUsage().rss - before).toBeLessThan(60 * 2 ** 20);
});
