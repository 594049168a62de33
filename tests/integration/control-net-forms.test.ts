/** ControlNets beside a denoiser: rows get what each gets alone, however many rows either network takes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { ConditionedDenoiser } from "../../src/engine/diffusion/conditioned-denoiser.ts";
import { ControlNet } from "../../src/engine/diffusion/networks/control-net.ts";
import { Denoiser } from "../../src/engine/diffusion/networks/denoiser.ts";
import type { DenoiserRow, RowControl } from "../../src/engine/diffusion/row-groups.ts";
import { controlNetGraph, denoiserGraph, EMBEDDING } from "../support/denoiser-graph.ts";
import { GraphBench } from "../support/graph-runs.ts";
import { writePipeline } from "../support/synthetic-pipeline.ts";

const { settings } = parseDevice("cpu");
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "control-nets-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, crypto.randomUUID(), name);
  await Bun.write(path, bytes);
  return path;
}

async function openDenoiser(batch: number | string): Promise<Denoiser> {
  const path = await written("model.onnx", denoiserGraph({ batch, takesResiduals: true }));
  await Bun.write(join(path, "../config.json"), JSON.stringify({ block_out_channels: [4] }));
  return await Denoiser.open(path, settings);
}

const openControlNet = async (batch: number | string): Promise<ControlNet> =>
  await ControlNet.open(await written("model.onnx", controlNetGraph({ batch })), settings);

const conditioning = {
  embeddings: new Float32Array(3 * EMBEDDING),
  tokens: 3,
  width: EMBEDDING,
  pooled: null,
};

function rowOf(timestep: number, controls: readonly RowControl[]): DenoiserRow {
  return {
    sample: new Float32Array(16),
    height: 2,
    width: 2,
    timestep,
    conditioning,
    controls,
    sizes: [16, 16, 0, 0, 16, 16],
  };
}

const control = (net: ControlNet, level: number, own: Partial<RowControl> = {}): RowControl => ({
  hint: { dtype: "float32", dims: [1, 3, 16, 16], data: new Float32Array(768).fill(level) },
  net,
  strength: 1,
  depths: "even",
  ...own,
});

const BATCHES = [
  ["rows", "rows"],
  ["rows", 1],
  ["rows", 2],
  [1, "rows"],
  [2, 1],
  [3, 2],
] as const;
test.each(BATCHES)("a denoiser of %p rows and a ControlNet of %p", async (many, few) => {
  const [denoiser, net] = [await openDenoiser(many), await openControlNet(few)];
  const levels = [0.2, 0.4, 0.6, 0.8, 1];
  const rows = levels.map((level, at) => rowOf(at % 2 === 0 ? 500 : 250, [control(net, level)]));
  const outputs = await new ConditionedDenoiser(denoiser).evaluate(rows);
  for (const [at, level] of levels.entries()) {
    for (const value of outputs[at] ?? []) {
      expect(value).toBeCloseTo((at % 2 === 0 ? 0.5 : 0.25) + level * 1.1, 5);
    }
  }
  await net.release();
  await denoiser.release();
});

test("several add up, each as strongly as it is told, and guess mode takes less of shallow residuals", async () => {
  const [denoiser, net, other] = [
    await openDenoiser("rows"),
    ...[await openControlNet("rows"), await openControlNet(1)],
  ] as [Denoiser, ControlNet, ControlNet];
  const both = [control(net, 0.5, { strength: 2 }), control(other, 1, { strength: 0.3 })];
  const guessed = [control(net, 1, { strength: 0.5, depths: "rising" })];
  const rows = [both, [], guessed, both].map((controls) => rowOf(0, controls));
  const outputs = await new ConditionedDenoiser(denoiser).evaluate(rows);
  const firsts = outputs.map((output) => output[0] ?? Number.NaN);
  for (const [at, expected] of [1.1 + 0.33, 0, 0.5 * (0.1 + 0.1), 1.1 + 0.33].entries()) {
    expect(firsts[at]).toBeCloseTo(expected, 5);
  }
  for (const network of [net, other, denoiser]) await network.release();
});

test("a graph follows a ControlNet whose file fixes the number of rows", async () => {
  const pipeline = join(folder, "pipeline");
  await writePipeline(pipeline, { denoiser: { takesResiduals: true } });
  const runs = [];
  for (const batch of ["rows", 1, 2]) {
    const name = `control-${batch}`;
    await Bun.write(join(folder, name, "controlnet/model.onnx"), controlNetGraph({ batch }));
    const models = { drawn: pipeline, [name]: join(folder, name) };
    const bench = new GraphBench({ models, images: {} });
    const text = (of: string) => ({
      class_type: "CLIPTextEncode",
      inputs: { clip: ["1", 1], text: of },
    });
    const { outputs } = await bench.run({
      1: { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "drawn.safetensors" } },
      2: text("a cat"),
      3: text(""),
      4: { class_type: "ControlNetLoader", inputs: { control_net_name: name } },
      5: {
        class_type: "EmptyImage",
        inputs: { width: 64, height: 64, batch_size: 1, color: 0xff8001 },
      },
      6: {
        class_type: "ControlNetApply",
        inputs: { conditioning: ["2", 0], control_net: ["4", 0], image: ["5", 0], strength: 1 },
      },
      7: { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 3 } },
      8: {
        class_type: "KSampler",
        inputs: {
          model: ["1", 0],
          positive: ["6", 0],
          negative: ["3", 0],
          latent_image: ["7", 0],
          seed: 1,
          steps: 2,
          cfg: 2,
          sampler_name: "euler",
          scheduler: "normal",
          denoise: 1,
        },
      },
      9: { class_type: "VAEDecode", inputs: { samples: ["8", 0], vae: ["1", 2] } },
      10: { class_type: "PreviewImage", inputs: { images: ["9", 0] } },
    });
    const [latent] = outputs.get("8") ?? [];
    if (latent?.type !== "LATENT") throw new Error("KSampler gave no latent");
    runs.push(latent.value.samples);
    await bench.release();
  }
  expect(runs[0]?.every(Number.isFinite)).toBe(true);
  expect(runs[1]).toEqual(runs[0] as Float32Array);
  expect(runs[2]).toEqual(runs[0] as Float32Array);
});
