/** The encoder with real libx264. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_BT709,
  quietLibav,
} from "../../src/engine/codec/libav.ts";
import { VideoDecoder } from "../../src/engine/codec/video-decoder.ts";
import { VideoEncoder } from "../../src/engine/codec/video-encoder.ts";
import type { VideoFrame } from "../../src/engine/codec/video-frame.ts";
import type { Size } from "../../src/engine/protocol/work.ts";
import { NAL_IDR, nalType, splitNals } from "../../src/media/annex-b.ts";
import { ticks } from "../../src/media/time.ts";
import {
  decoded,
  encoded,
  frames,
  keysOf,
  look,
  PART,
  packets,
  pool,
  times,
} from "../support/clip-codec.ts";
import { drawFrame, lumaOf } from "../support/clip-synthetic.ts";
import { bySegment, segmentTs } from "../support/ts-segmenter-run.ts";

beforeAll(quietLibav);
afterEach(() => {
  expect(pool.live).toBe(0);
});

/** Types of NAL units that hold a slice: of any other picture, and of an IDR picture. */
const SLICES = [1, NAL_IDR];

/** Frames that compress badly. */
const noise = (times: readonly number[], size: Size): VideoFrame[] => {
  const block = new Uint8Array(65_536);
  return frames(times, size).map((frame) => {
    const luma = frame.native.data?.[0] ?? new Uint8Array(0);
    for (let at = 0; at < luma.length; at += block.length)
      luma.set(crypto.getRandomValues(block).subarray(0, luma.length - at), at);
    return frame;
  });
};

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

  test("a new size or bitrate begins a segment with a new encoder", async () => {
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

  test("frames whose pts does not rise, or that were sent before, are dropped and freed", async () => {
    const made = await encoded(frames([0, 3000, 3000, 1500, 6000, 9000]), { after: ticks(0) });
    expect(made.map(({ pts }) => Number(pts))).toEqual([3000, 6000, 9000]);
    expect(made[0]?.keyFrame).toBe(true);
  });

  test("its packets decode to the pictures that went in, without delay", async () => {
    using encoder = new VideoEncoder({ size: PART });
    using decoder = new VideoDecoder("h264", { pool, maxPixels: 1_000_000 });
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

  test.each([
    { width: 1280, height: 720, slices: 2 },
    { width: 512, height: 512, slices: 1 },
  ])("a picture of $width x $height has $slices slices", async ({ slices, ...size }) => {
    const made = await encoded(frames(times(3, 3000), size));
    const all = made.map(({ data }) =>
      splitNals(data).filter((nal) => SLICES.includes(nalType(nal))),
    );
    expect(all.map(({ length }) => length)).toEqual([slices, slices, slices]);
  });

  test("names the primaries, transfer, matrix and range of its colours", async () => {
    using decoder = new VideoDecoder("h264", { pool, maxPixels: 1_000_000 });
    const [packet] = await encoded(frames([0], { width: 1280, height: 720 }));
    if (!packet) throw new Error("no packet");
    const data = Uint8Array.from([...packet.format.parameterSets, ...packet.data]);
    const [frame] = await decoder.decode({ ...packet, data });
    expect(frame?.native.colorPrimaries).toBe(AVCOL_PRI_BT709);
    expect(frame?.native.colorTrc).toBe(AVCOL_TRC_BT709);
    expect(frame?.native.colorSpace).toBe(AVCOL_SPC_SMPTE170M);
    expect(frame?.native.colorRange).toBe(AVCOL_RANGE_MPEG);
    frame?.[Symbol.dispose]();
  });

  test("a bitrate is kept to", async () => {
    const busy = noise(times(60, 3000), { width: 320, height: 240 });
    const made = await encoded(busy, { bitrate: () => 500_000 });
    const bits = made.reduce((sum, { data }) => sum + data.length * 8, 0);
    expect(bits / 2).toBeGreaterThan(250_000);
    expect(bits / 2).toBeLessThan(900_000);
  });

  test("at 80 Mbit/s segments begin anew before they are too large for an orchestrator (M3)", async () => {
    const busy = noise(times(27, 3000), { width: 720, height: 480 });
    const made = await encoded(busy, {
      bitrate: () => 80_000_000,
      segmentSeconds: 10,
      profile: "baseline",
    });
    expect(made).toHaveLength(27);
    const { fragments } = await segmentTs(made);
    const sizes = bySegment(fragments).map(({ length }) => 188 * length);
    expect(sizes).toHaveLength(2);
    expect(Math.max(...sizes)).toBeWithin(7_000_000, 8_500_000);
    const bits = sizes.reduce((sum, size) => sum + size) * 8;
    expect((bits * 30) / 27).toBeWithin(70_000_000, 100_000_000);
  });

  test("a segment that is wanted begins with the next frame", async () => {
    let asked = 0;
    const made = await encoded(frames(times(30, 3000)), { segmentWanted: () => ++asked === 11 });
    expect(keysOf(made)).toEqual([0, 10]);
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
