/** Every sampler that KSampler offers draws with the prompts of a graph. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SAMPLERS } from "../../src/engine/diffusion/sampler/named-samplers.ts";
import { expectClose } from "../support/golden-arrays.ts";
import { GraphBench } from "../support/graph-runs.ts";
import { writePipeline } from "../support/synthetic-pipeline.ts";

let folder: string;
let bench: GraphBench;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graph-samplers-"));
  await writePipeline(folder);
  bench = new GraphBench({ models: { tiny: folder }, images: {} });
});
afterAll(async () => {
  await bench.release();
  await rm(folder, { recursive: true });
});

/** The latent of a graph with two prompts, and how many prompts the denoiser has seen. */
async function sampled(
  sampler: string,
  cfg: number,
  { negative = "dark", on = bench } = {},
): Promise<{ readonly samples: Float32Array; readonly rows: number }> {
  const clip = ["model", 1];
  const { outputs, unetCalls } = await on.run({
    model: { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "tiny" } },
    positive: { class_type: "CLIPTextEncode", inputs: { text: "a fox", clip } },
    negative: { class_type: "CLIPTextEncode", inputs: { text: negative, clip } },
    empty: { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
    sample: {
      class_type: "KSampler",
      inputs: {
        model: ["model", 0],
        positive: ["positive", 0],
        negative: ["negative", 0],
        latent_image: ["empty", 0],
        seed: 7,
        steps: 3,
        cfg,
        denoise: 1,
        sampler_name: sampler,
        scheduler: "normal",
      },
    },
    decode: { class_type: "VAEDecode", inputs: { samples: ["sample", 0], vae: ["model", 2] } },
    save: { class_type: "SaveImage", inputs: { images: ["decode", 0], filename_prefix: "a" } },
  });
  const value = outputs.get("sample")?.[0];
  if (value?.type !== "LATENT") throw new Error("the sampler gave no latent");
  return {
    samples: value.value.samples,
    rows: unetCalls.reduce((sum, { batch }) => sum + batch, 0),
  };
}

test.each(Object.keys(SAMPLERS))("%s draws", async (sampler) => {
  const { samples } = await sampled(sampler, 2);
  expect(samples.every(Number.isFinite)).toBe(true);
  expect(new Set(samples).size).toBeGreaterThan(100);
});

test.each([1, 2, 4])(
  "a denoiser exported for %d rows draws the same as one for any number",
  async (batch) => {
    const fixed = join(folder, `rows-${batch}`);
    await writePipeline(fixed, { denoiser: { batch } });
    const on = new GraphBench({ models: { tiny: fixed }, images: {} });
    try {
      const { samples } = await sampled("euler", 2, { on });
      expectClose(samples, (await sampled("euler", 2)).samples, { atol: 1e-5 });
    } finally {
      await on.release();
    }
  },
);

test("a CFG++ sampler follows the negative prompt at a guidance of 1, where others ignore it", async () => {
  const plain = await sampled("euler", 1);
  const plusPlus = await sampled("euler_cfg_pp", 1);
  expect([plain.rows, plusPlus.rows]).toEqual([3, 6]);
  const other = await sampled("euler_cfg_pp", 1, { negative: "bright" });
  expect(other.samples).not.toEqual(plusPlus.samples);
});
