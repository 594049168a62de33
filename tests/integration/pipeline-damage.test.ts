/** Damaged input through the whole pipeline: it costs pictures, never the stream. */
import { expect, test } from "bun:test";
import { CodecContext } from "node-av";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import { tsSegments } from "../support/clip.ts";
import { fragmentsOf } from "../support/clip-output.ts";
import { ClipRun } from "../support/clip-pipeline.ts";
import { readMedia } from "../support/clip-reader.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { waitFor } from "../support/wait-for.ts";

/** A linear congruential generator: the same numbers every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

test("flipped bits and lost packets anywhere leave segments that can be read, and stamps that rise", async () => {
  quietLibav();
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  await host.acquire("identity");
  const parts = [{ width: 64, height: 64, frames: 60 }];
  const segments = tsSegments(await synthetic({ parts, gop: 10, audio: { codec: "aac" } }), {
    seconds: 0.3,
  });
  const random = seeded(2026);
  let frames = 0;
  for (let round = 0; round < 40; round++) {
    const damaged = segments.map((segment, index) => {
      if (index === 0) return segment;
      const bytes = segment.slice();
      for (let hit = 0; hit < 12; hit++) {
        const at = Math.floor(random() * bytes.length);
        // Half of the hits in headers, where stamps, lengths and flags are.
        const place = round % 2 === 0 ? at : at - (at % 188) + Math.floor(random() * 30);
        bytes[place] = (bytes[place] ?? 0) ^ (1 << Math.floor(random() * 8));
      }
      const lost = 188 * Math.floor(random() * (bytes.length / 188));
      return round % 3 === 0
        ? Uint8Array.from([...bytes.subarray(0, lost), ...bytes.subarray(lost + 188)])
        : bytes;
    });
    const run = new ClipRun({
      segments: damaged,
      host,
      params: { model: "identity" },
      lossy: true,
    });
    await run.pipeline.run();
    expect(run.pipeline.frames).toBe(0);
    frames += run.framesOut;
    for (const track of [1, 2]) {
      const stamps = fragmentsOf(run)
        .filter((fragment) => fragment.track === track)
        .flatMap((fragment) => fragment.samples.map(({ dts }) => dts));
      expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
    }
    // Damaged sound is copied as it came, so it is not decoded here.
    for (const segment of run.segments) {
      expect((await readMedia(segment)).video?.packets[0]?.keyFrame).toBe(true);
    }
  }
  expect(frames).toBeGreaterThan(40 * 30);
});

test("a pipeline shows that a decoder has not returned, which is no fault of its input", async () => {
  quietLibav();
  await using workspace = await OnnxWorkspace.create();
  await using host = await workspace.host();
  await host.acquire("identity");
  const segments = tsSegments(
    await synthetic({ parts: [{ width: 64, height: 64, frames: 10 }], gop: 10 }),
    { seconds: 0.3 },
  );
  const held = Promise.withResolvers<void>();
  const { sendPacket } = CodecContext.prototype;
  CodecContext.prototype.sendPacket = async function (packet) {
    await held.promise;
    return await sendPacket.call(this, packet);
  };
  try {
    const run = new ClipRun({ segments, host, params: { model: "identity" }, lossy: true });
    expect(run.pipeline.isDecoding).toBe(false);
    const over = run.pipeline.run();
    await waitFor("a picture to be held", () => run.pipeline.isDecoding);
    held.resolve();
    await over;
    expect(run.pipeline.isDecoding).toBe(false);
  } finally {
    CodecContext.prototype.sendPacket = sendPacket;
  }
});
