/** Input as gateways send it (protocol.md 6.1), taken apart and decoded: nothing is lost, everything keeps its time. */

import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "../../src/engine/codec/decode-stream.ts";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import { demux } from "../../src/engine/source/demux.ts";
import { Timeline } from "../../src/engine/source/timeline.ts";
import type { AudioPacket } from "../../src/media/encoded-packet.ts";
import { StageGroup } from "../../src/streams/stage.ts";
import type { IncomingChunk } from "../../src/trickle/client/segment-copy.ts";
import { look, pool, type Seen } from "../support/clip-codec.ts";
import { type ReadMedia, readMedia } from "../support/clip-reader.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { RecordingObserver } from "../support/recording-observer.ts";
import { concat, H264, OPUS, pes, tables, tsPackets } from "../support/ts-builder.ts";

beforeAll(quietLibav);

interface Received {
  readonly frames: Seen[];
  readonly sounds: AudioPacket[];
  readonly dropped: number;
}

/** Whole segments in one burst each, as fast as they are read. `arrivals`: of each segment, in milliseconds. */
async function receive(
  segments: readonly Uint8Array[],
  arrivals: readonly number[] = [],
): Promise<Received> {
  const chunks = segments.map(
    (data, seq): IncomingChunk => ({
      seq,
      data,
      first: true,
      last: true,
      complete: true,
      arrivedAt: arrivals[seq] ?? performance.now(),
    }),
  );
  const source = new ReadableStream<IncomingChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const input = demux(source, {
    timeline: new Timeline(null),
    calls: UNRECORDED_CALLS,
    observer: new RecordingObserver(),
  });
  const stages = new StageGroup();
  const frames: Seen[] = [];
  const sounds: AudioPacket[] = [];
  const observer = new RecordingObserver();
  const listen = async (): Promise<void> => {
    for await (const packet of input.audio) sounds.push(packet);
  };
  const watch = async (): Promise<void> => {
    const stage = decode({ pool, calls: UNRECORDED_CALLS, observer });
    for await (const frame of input.video.pipeThrough(stages.add(stage))) {
      frames.push(look(frame));
      frame[Symbol.dispose]();
    }
  };
  await Promise.all([listen(), watch()]);
  await stages.settled();
  expect(pool.live).toBe(0);
  return { frames, sounds, dropped: observer.framesDropped };
}

const rises = (values: readonly number[]): boolean =>
  values.every((value, index) => index === 0 || value > (values[index - 1] ?? 0));

const AUD = Uint8Array.from([0, 0, 0, 1, 9, 0xf0]);

/** A WHIP gateway's segment: counters from 0, a delimiter before each picture, sound in front. */
function whipSegment(
  media: ReadMedia,
  from: number,
  to: number,
  options: { readonly mute?: boolean; readonly shift?: number } = {},
): Uint8Array {
  const { mute = false, shift = 0 } = options;
  const within = ({ pts }: { pts: number }): boolean => pts >= from && pts < to;
  const sounds = mute ? [] : (media.audio?.packets.filter(within) ?? []);
  const pictures = media.video?.packets.filter(within) ?? [];
  const parts = [
    ...sounds.map(({ data, pts }) => {
      const sizes = [...new Array<number>(Math.floor(data.length / 255)).fill(255)];
      const control = Uint8Array.from([0x7f, 0xe0, ...sizes, data.length % 255]);
      const packet = pes(concat([control, data]), {
        pts: pts + shift,
        sized: true,
        streamId: 0xbd,
      });
      return { pts, packets: tsPackets(packet, { pid: OPUS.pid }) };
    }),
    ...pictures.map(({ data, pts, keyFrame }) => {
      const packet = pes(concat([AUD, data]), { pts: pts + shift });
      return { pts: pts + 1, packets: tsPackets(packet, keyFrame ? { randomAccess: true } : {}) };
    }),
  ].sort((a, b) => a.pts - b.pts);
  return concat([
    ...tables(mute ? [H264] : [H264, OPUS]),
    ...parts.flatMap(({ packets }) => packets),
  ]);
}

const whip = (parts = [{ width: 64, height: 48, frames: 120 }]): Promise<ReadMedia> =>
  synthetic({ parts, gop: 30, audio: { codec: "opus" } });

const second = (index: number): [number, number] => [index * 90_000, (index + 1) * 90_000];

describe("WHIP", () => {
  test("segments of a muxer each, stamps from 0 and sound in front, come whole", async () => {
    const media = await whip();
    const segments = [0, 1, 2, 3].map((index) => whipSegment(media, ...second(index)));
    const { frames, sounds, dropped } = await receive(
      segments.flatMap((s) => [s, new Uint8Array(0)]),
    );
    expect(frames.map(({ pts }) => pts)).toEqual(Array.from({ length: 120 }, (_, i) => i * 3000));
    expect(sounds.length).toBe(media.audio?.packets.filter(({ pts }) => pts < 360_000).length ?? 0);
    expect(sounds.every(({ pts, codec }, i) => codec === "opus" && pts === i * 1800)).toBe(true);
    expect(dropped).toBe(0);
  });

  test("a browser that changes its resolution is followed", async () => {
    const media = await whip([
      { width: 64, height: 48, frames: 60 },
      { width: 128, height: 96, frames: 60 },
    ]);
    const { frames } = await receive([0, 1, 2, 3].map((i) => whipSegment(media, ...second(i))));
    expect(frames.map(({ width }) => width)).toEqual([
      ...new Array<number>(60).fill(64),
      ...new Array<number>(60).fill(128),
    ]);
  });

  test("sound that appears late, and goes, is taken while it is there", async () => {
    const media = await whip();
    const segments = [true, false, true, false].map((mute, index) =>
      whipSegment(media, ...second(index), { mute }),
    );
    const { frames, sounds } = await receive(segments);
    expect(frames.length).toBe(120);
    expect(sounds.length).toBe(100);
    expect([sounds[0]?.pts, sounds[50]?.pts].map(Number)).toEqual([90_000, 270_000]);
  });

  test("a camera that pauses for a minute leaves that minute open", async () => {
    const media = await whip();
    const segments = [0, 1, 2, 3].map((index) =>
      whipSegment(media, ...second(index), { shift: index < 2 ? 0 : 60 * 90_000 }),
    );
    const { frames, sounds } = await receive(segments, [1000, 2000, 63_000, 64_000]);
    expect(frames.map(({ pts }) => pts)).toEqual(
      Array.from({ length: 120 }, (_, i) => i * 3000 + (i < 60 ? 0 : 60 * 90_000)),
    );
    expect(sounds.length).toBe(200);
    expect(Number(sounds[100]?.pts)).toBe(62 * 90_000);
  });

  test("clocks that wrap, jump ahead or begin again rise on, sound in step", async () => {
    const media = await whip();
    for (const shift of [2 ** 33 - 180_000, 2 ** 32, -90_000]) {
      const { frames, sounds } = await receive(
        [0, 1, 2, 3].map((index) =>
          whipSegment(media, ...second(index), { shift: shift > 2 ** 32 || index > 1 ? shift : 0 }),
        ),
      );
      expect(frames.length).toBe(120);
      expect(rises(frames.map(({ pts }) => pts))).toBe(true);
      const apart = [0, 1, 2, 3].map(
        (i) => (sounds[i * 50]?.pts ?? 0) - (frames[i * 30]?.pts ?? 0),
      );
      expect(apart.every((ticks) => Math.abs(ticks) < 0.02 * 90_000)).toBe(true);
    }
  });

  test("a stream joined in the middle of a group of pictures begins at the next key frame", async () => {
    const media = await whip();
    const { frames, dropped } = await receive([
      whipSegment(media, 45_000, 90_000),
      whipSegment(media, ...second(1)),
    ]);
    expect([frames.length, dropped, frames[0]?.pts]).toEqual([30, 15, 90_000]);
  });

  test("lost packets cost their own pictures and sounds, and the next group is whole", async () => {
    const media = await whip();
    const segments = [0, 1, 2, 3].map((index) => whipSegment(media, ...second(index)));
    const holed = segments.map((segment, index) =>
      index === 1 ? concat(packetsOf(segment).filter((_, at) => at < 2 || at % 7 !== 0)) : segment,
    );
    const { frames, sounds } = await receive(holed);
    expect(frames.filter(({ pts }) => pts >= 180_000).length).toBe(60);
    expect(frames.filter(({ pts }) => pts < 90_000).length).toBe(30);
    expect(sounds.filter(({ pts }) => pts >= 180_000).length).toBe(100);
    expect(rises(frames.map(({ pts }) => pts))).toBe(true);
  });
});

const packetsOf = (segment: Uint8Array): Uint8Array[] =>
  Array.from({ length: segment.length / 188 }, (_, at) => segment.slice(at * 188, at * 188 + 188));

describe("RTMP", () => {
  // ffmpeg makes what a gateway makes of RTMP: segments by stream copy, B-frames and AAC as they are.
  test.skipIf(!Bun.which("ffmpeg"))(
    "segments of ffmpeg's segment muxer come whole, B-frames in order (needs ffmpeg)",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "rtmp-input-"));
      const ffmpeg = (...args: string[]): void => {
        const run = Bun.spawnSync(["ffmpeg", "-v", "error", ...args], { cwd: folder });
        expect(run.stderr.toString()).toBe("");
      };
      try {
        const video = ["-f", "lavfi", "-i", "testsrc=s=128x96:r=30:d=6"];
        const audio = ["-f", "lavfi", "-i", "sine=440:d=6:r=44100"];
        const codecs = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "30"];
        ffmpeg(...video, ...audio, ...codecs, "-c:a", "aac", "-f", "flv", "in.flv");
        const segment = ["-f", "segment", "-segment_format", "mpegts", "%d.ts"];
        ffmpeg("-i", "in.flv", "-c", "copy", ...segment);
        const sent = await readMedia(join(folder, "in.flv"));
        const names = readdirSync(folder).filter((name) => name.endsWith(".ts"));
        const segments = await Promise.all(
          names.sort().map((name) => Bun.file(join(folder, name)).bytes()),
        );
        const { frames, sounds, dropped } = await receive(segments);
        expect(segments.length).toBeGreaterThan(2);
        expect([frames.length, dropped]).toEqual([180, 0]);
        expect(sounds.length).toBe(sent.audio?.packets.length ?? 0);
        const stamps = (sent.video?.packets ?? []).map(({ pts }) => pts).sort((a, b) => a - b);
        const delay = (frames[0]?.pts ?? 0) - (stamps[0] ?? 0);
        expect(frames.map(({ pts }) => pts - delay)).toEqual(stamps);
        const apart = sounds.map(({ pts }, i) => pts - delay - (sent.audio?.packets[i]?.pts ?? 0));
        expect(apart.every((ticks) => Math.abs(ticks) <= 90)).toBe(true);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
