/** The decoder on packets of real encoders. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { CodecContext } from "node-av";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { VideoDecoder } from "../../src/engine/codec/video-decoder.ts";
import type { VideoPacket } from "../../src/media/encoded-packet.ts";
import { decoded, encoded, frames, look, PART, packets, pool } from "../support/clip-codec.ts";
import { lumaOf } from "../support/clip-synthetic.ts";
import { RecordingObserver } from "../support/recording-observer.ts";

beforeAll(quietLibav);
afterEach(() => {
  expect(pool.live).toBe(0);
});

describe("decoding", () => {
  test("a packet without B-frames gives its frame at once, with the time it arrived", async () => {
    using decoder = new VideoDecoder("h264", { pool, maxPixels: 1_000_000 });
    for (const [index, packet] of (await packets({ parts: [PART] })).entries()) {
      const frames = await decoder.decode(packet);
      expect(frames.map(look)).toMatchObject([{ pts: packet.pts, arrivedAt: index }]);
      for (const frame of frames) frame[Symbol.dispose]();
    }
    expect(decoder.takeLost()).toBe(0);
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

  test("a codec that changes gets a new decoder at its key frame", async () => {
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
      const observer = new RecordingObserver();
      const seen = await decoded(input, observer);
      expect(seen.length + observer.framesDropped).toBe(input.length);
      const last = seen.filter(({ pts }) => pts >= 50 * 3000);
      expect(last.length).toBe(10);
      for (const { pts, luma } of last) {
        expect(Math.abs(luma - lumaOf(pts / 3000))).toBeLessThan(4);
      }
    }
  });

  test("a decoder that fails is reported, and costs the pictures up to the next key frame, each counted once", async () => {
    const input = await packets({ parts: [PART], bFrames: 2, gop: 10 });
    const observer = new RecordingObserver();
    const { sendPacket } = CodecContext.prototype;
    let sent = 0;
    CodecContext.prototype.sendPacket = async function (packet) {
      if (++sent === 16) throw new Error("no memory for a picture");
      return await sendPacket.call(this, packet);
    };
    try {
      const seen = await decoded(input, observer);
      expect(seen.length + observer.framesDropped).toBe(input.length);
      expect(seen.filter(({ pts }) => pts >= 20 * 3000).length).toBe(20);
      expect(observer.framesDropped).toBeGreaterThanOrEqual(5);
    } finally {
      CodecContext.prototype.sendPacket = sendPacket;
    }
    const message = "input has pictures that cannot be decoded: no memory for a picture";
    expect(observer.troubles.map((trouble) => trouble.message)).toEqual([message]);
    expect(observer.recovered).toEqual(["input"]);
  });

  test("of pictures with repeated timestamps, each one is encoded or dropped, and counted once", async () => {
    const clean = await packets({ parts: [{ ...PART, frames: 75 }], bFrames: 2 });
    for (const every of [2, 5, 10]) {
      const input = clean.map((packet, index) => {
        const before = clean[index - 1];
        return index % every === 1 && before ? { ...packet, pts: before.pts } : packet;
      });
      const observer = new RecordingObserver();
      const seen = await decoded(input, observer);
      expect(seen.length + observer.framesDropped).toBe(input.length);
      const made = await encoded(frames(seen.map(({ pts }) => pts)), { observer });
      expect(made.length + observer.framesDropped).toBe(input.length);
    }
  });
});
