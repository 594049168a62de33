/** A clip through a diffusion pipeline of a few operators: a picture for each frame, whatever shares runs and whatever changes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { quietLibav } from "../../src/engine/codec/libav.ts";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import type { StreamParams } from "../../src/engine/protocol/work.ts";
import { tsSegments } from "../support/clip.ts";
import { decodeAlone } from "../support/clip-output.ts";
import { ClipRun } from "../support/clip-pipeline.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { writePipeline } from "../support/synthetic-pipeline.ts";

const FRAMES = 40;

let workspace: OnnxWorkspace;
let host: ModelHost;
beforeAll(async () => {
  quietLibav();
  workspace = await OnnxWorkspace.create();
  await writePipeline(join(workspace.path, "models/drawn"));
  host = await workspace.host();
  await host.acquire("drawn");
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

const paramsWith = (own: StreamParams["model_params"], prompt = "a cat"): StreamParams => ({
  prompts: [{ prompt }],
  model: "drawn",
  fit: "stretch",
  paused: false,
  model_params: { seed: 5, steps: 3, strength: 0.02, ...own },
});

/** The brightness of each picture that comes out of a clip whose frames differ in brightness. */
async function brightness(
  params: StreamParams,
  changes: Readonly<Record<number, StreamParams>> = {},
): Promise<number[]> {
  const media = await synthetic({ parts: [{ width: 64, height: 64, frames: FRAMES }], gop: 20 });
  const run = new ClipRun({
    segments: tsSegments(media),
    host,
    params,
    onFragment: () => {
      run.params = changes[run.framesOut] ?? run.params;
    },
  });
  await run.pipeline.run();
  expect(run.framesDropped).toBe(0);
  const { video } = await decodeAlone(run);
  expect(video).toHaveLength(FRAMES);
  return video.map(({ measure }) => measure);
}

test("a stream batch of three steps shows each frame two frames later, and loses none", async () => {
  const plain = await brightness(paramsWith({}));
  const batched = await brightness(paramsWith({ stream_batch: true }));
  const distance = (lag: number): number =>
    batched.reduce(
      (sum, value, at) => sum + Math.abs(value - (plain[Math.max(0, at - lag)] ?? 0)),
      0,
    );
  const distances = [0, 1, 2, 3, 4].map(distance);
  expect(distances.indexOf(Math.min(...distances))).toBe(2);
  expect(distance(2)).toBeLessThan(distance(1) / 2);
});

test("changes of prompt, strength, seed, steps and of the batch itself lose no frame", async () => {
  await brightness(paramsWith({}), {
    4: paramsWith({}, "a fox"),
    8: paramsWith({ stream_batch: true }, "a fox"),
    12: paramsWith({ stream_batch: true, strength: 0.4, seed: 6 }),
    16: paramsWith({ stream_batch: true, steps: 5 }),
    20: paramsWith({ strength: 0 }),
    24: paramsWith({ skip_similar: 0.98 }),
    28: paramsWith({ stream_batch: true, steps: 2 }),
    32: paramsWith({ guidance: 3, guidance_mode: [0, 0, 1] }, "a dog"),
  });
});
