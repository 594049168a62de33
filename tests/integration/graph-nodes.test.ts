/** Runs single nodes of ComfyUI graphs, and compares what they give with what ComfyUI's own gave. */
import { afterAll, describe, expect, spyOn, test } from "bun:test";
import { Denoiser } from "../../src/engine/diffusion/networks/denoiser.ts";
import { toBytes } from "../../src/engine/graph/run/pixels.ts";
import type { Tensor } from "../../src/engine/models/tensor.ts";
import {
  type GoldenCase,
  type GoldenSet,
  goldenSet,
  greatestDifference,
} from "../support/golden.ts";
import { GraphBench, goldenBench, readImages } from "../support/graph-runs.ts";
import { sharedData } from "../support/shared-data.ts";

interface Node {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}
type Graph = Readonly<Record<string, Node>>;

const golden = sharedData("golden") ?? "";
const latents = await goldenSet("images/latents");
const bench = goldenBench();
afterAll(async () => await bench.release());

const nodeCases =
  golden === ""
    ? []
    : ((await Bun.file(`${golden}/images/cases.json`).json()) as { cases: GoldenCase[] }).cases;
const ofLatents = ({ latent }: GoldenCase): boolean => latent !== undefined;

describe.skipIf(latents === null)("ComfyUI's latent nodes (../shared/data/golden/images)", () => {
  const set = latents as GoldenSet;
  test.each(nodeCases.filter(ofLatents))("$id", async (its) => {
    const { results } = await bench.run(its["graph"]);
    const [result] = results;
    if (result?.kind !== "latent") throw new Error("the graph saved no latent");
    const expected = set.cases.find(({ id }) => id === its.id) as GoldenCase;
    const { samples, shape } = result.latent;
    const tolerance = its.id.includes("bislerp") ? 1e-4 : 1e-5;
    const actual: Tensor = { dtype: "float32", data: samples, dims: shape };
    expect(greatestDifference(actual, set.array(expected, "latent"))).toBeLessThanOrEqual(
      tolerance,
    );
  });
});

describe.skipIf(golden === "")("ComfyUI's image nodes (../shared/data/golden/images)", () => {
  // Palettes are compared by their error to the picture: golden-images.test.ts.
  const cases = nodeCases.filter((its) => {
    const classes = Object.values(its["graph"] as Graph).map(({ class_type: name }) => name);
    return !ofLatents(its) && !classes.includes("ImageQuantize");
  });

  test.each(cases)("$id", async (its) => {
    const { results } = await bench.run(its["graph"]);
    const saved = Object.values(its["outputs"] as Record<string, string[]>);
    expect(results).toHaveLength(saved.length);
    const isEdges = its.id.startsWith("Canny"); // 98 % of its pixels are equal
    const share = isEdges ? 0.02 : Number(its["ambiguous"] ?? 0) + 0.005;
    for (const [at, files] of saved.entries()) {
      const result = results[at];
      if (result?.kind !== "images") throw new Error("the graph saved no picture");
      for (const [picture, file] of files.entries()) {
        const expected = await readImages(`${golden}/images/${file}`);
        const bytes = toBytes(result.images, picture);
        const differences = toBytes(expected, 0).map((byte, i) => Math.abs(byte - (bytes[i] ?? 0)));
        expect(bytes).toHaveLength(differences.length);
        if (!isEdges) expect(Math.max(...differences)).toBeLessThanOrEqual(1);
        const off = differences.filter((difference) => difference > 0).length;
        expect(off / differences.length).toBeLessThanOrEqual(share);
      }
    }
  });
});

test("a picture that is cropped to one row or column keeps at least that", async () => {
  const own = new GraphBench({ models: {}, images: {} });
  try {
    for (const [width, height] of [
      [24, 1],
      [1, 16],
    ] as const) {
      const upscale = { upscale_method: "area", width, height, crop: "center" };
      const { results } = await own.run({
        1: {
          class_type: "EmptyImage",
          inputs: { width: 24, height: 16, batch_size: 1, color: 255 },
        },
        2: { class_type: "ImageScale", inputs: { image: ["1", 0], ...upscale } },
        3: { class_type: "PreviewImage", inputs: { images: ["2", 0] } },
      });
      const [result] = results;
      if (result?.kind !== "images") throw new Error("the graph gave no picture");
      expect(result.images).toMatchObject({ width, height });
    }
  } finally {
    await own.release();
  }
});

describe.skipIf(golden === "")("samplers put together of parts", () => {
  const parts = (): Record<string, Node> => ({
    "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "tiny-sd" } },
    "2": { class_type: "CLIPTextEncode", inputs: { text: "a fox", clip: ["1", 1] } },
    "3": { class_type: "CLIPTextEncode", inputs: { text: "rain", clip: ["1", 1] } },
    "4": { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
    "9": { class_type: "SaveLatent", inputs: { samples: ["8", 0], filename_prefix: "x" } },
  });
  const prompts = { model: ["1", 0], positive: ["2", 0], negative: ["3", 0] };
  const whole = (model: [string, number], cfg: number): Graph => ({
    ...parts(),
    "8": {
      class_type: "KSampler",
      inputs: {
        ...prompts,
        model,
        latent_image: ["4", 0],
        seed: 7,
        steps: 3,
        cfg,
        denoise: 1,
        sampler_name: "euler_ancestral",
        scheduler: "karras",
      },
    },
  });
  const sampled = async (graph: Graph): Promise<Float32Array> => {
    const [result] = (await bench.run(graph)).results;
    if (result?.kind !== "latent") throw new Error("the graph saved no latent");
    return result.latent.samples;
  };

  test("SamplerCustomAdvanced gives what KSampler gives", async () => {
    const graph = {
      ...parts(),
      "5": { class_type: "RandomNoise", inputs: { noise_seed: 7 } },
      "6": { class_type: "CFGGuider", inputs: { ...prompts, cfg: 4 } },
      "7": { class_type: "KSamplerSelect", inputs: { sampler_name: "euler_ancestral" } },
      "10": {
        class_type: "BasicScheduler",
        inputs: { model: ["1", 0], scheduler: "karras", steps: 3, denoise: 1 },
      },
      "8": {
        class_type: "SamplerCustomAdvanced",
        inputs: {
          noise: ["5", 0],
          guider: ["6", 0],
          sampler: ["7", 0],
          sigmas: ["10", 0],
          latent_image: ["4", 0],
        },
      },
    };
    expect(await sampled(graph)).toEqual(await sampled(whole(["1", 0], 4)));
  });

  test("SamplerLCMUpscale gives a larger latent, and the picture of it", async () => {
    const custom = {
      ...prompts,
      sampler: ["5", 0],
      sigmas: ["6", 0],
      latent_image: ["4", 0],
      add_noise: true,
      noise_seed: 7,
      cfg: 2,
    };
    const { results } = await bench.run({
      ...parts(),
      "5": {
        class_type: "SamplerLCMUpscale",
        inputs: { scale_ratio: 2, scale_steps: 2, upscale_method: "bislerp" },
      },
      "6": {
        class_type: "BasicScheduler",
        inputs: { model: ["1", 0], scheduler: "normal", steps: 4, denoise: 1 },
      },
      "8": { class_type: "SamplerCustom", inputs: custom },
      "7": { class_type: "VAEDecode", inputs: { samples: ["8", 1], vae: ["1", 2] } },
      "10": { class_type: "PreviewImage", inputs: { images: ["7", 0] } },
    });
    const latent = results.find(({ kind }) => kind === "latent");
    expect(latent?.kind === "latent" && latent.latent.shape).toEqual([1, 4, 16, 16]);
    const picture = results.find(({ kind }) => kind === "images");
    if (picture?.kind !== "images") throw new Error("the graph showed no picture");
    expect([picture.images.width, picture.images.height]).toEqual([128, 128]);
    expect(picture.images.data.every(Number.isFinite)).toBe(true);
  });

  test("a signal ends a run within a sampler, with its own reason", async () => {
    const controller = new AbortController();
    const run = bench.prepare(whole(["1", 0], 1), () => undefined);
    const predict = spyOn(Denoiser.prototype, "predict");
    try {
      predict.mockImplementationOnce(async ({ sample }) => {
        controller.abort(new Error("a newer graph"));
        return sample;
      });
      await expect(run.run({ signal: controller.signal })).rejects.toThrow(/^a newer graph$/);
      expect(predict).toHaveBeenCalledTimes(1);
    } finally {
      predict.mockRestore();
    }
  });

  test("RescaleCFG shrinks what much guidance spreads, and by 0 changes nothing", async () => {
    const rescaled = (multiplier: number): Graph => ({
      ...whole(["7", 0], 20),
      "7": { class_type: "RescaleCFG", inputs: { model: ["1", 0], multiplier } },
    });
    const spread = (values: Float32Array): number => Math.hypot(...values);
    const plain = await sampled(whole(["1", 0], 20));
    expect(await sampled(rescaled(0))).toEqual(plain);
    expect(spread(await sampled(rescaled(1)))).toBeLessThan(spread(plain) / 1.1);
  });
});

describe.skipIf(golden === "")("SDXL's prompts (../shared/data/golden/pipeline-xl)", () => {
  const xl = new GraphBench({ models: { "tiny-xl": `${golden}/pipeline-xl/tiny-xl` }, images: {} });
  afterAll(async () => await xl.release());

  const sizes = (side: number) => ({
    width: side,
    height: side,
    target_width: side,
    target_height: side,
    crop_w: 0,
    crop_h: 0,
  });
  const drawn = async (encoder: Node, more: Graph = {}): Promise<Float32Array> => {
    const { results } = await xl.run({
      "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "tiny-xl" } },
      "2": encoder,
      "3": { class_type: "CLIPTextEncode", inputs: { text: "", clip: ["1", 1] } },
      "4": { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 2 } },
      "5": {
        class_type: "KSampler",
        inputs: {
          model: ["1", 0],
          positive: ["2", 0],
          negative: ["3", 0],
          latent_image: ["4", 0],
          seed: 7,
          steps: 2,
          cfg: 4,
          denoise: 1,
          sampler_name: "euler",
          scheduler: "normal",
        },
      },
      "6": { class_type: "SaveLatent", inputs: { samples: ["5", 0], filename_prefix: "x" } },
      ...more,
    });
    const [result] = results;
    if (result?.kind !== "latent") throw new Error("the graph saved no latent");
    return result.latent.samples;
  };
  const both = (textL: string, textG: string, side: number): Node => ({
    class_type: "CLIPTextEncodeSDXL",
    inputs: { clip: ["1", 1], text_l: textL, text_g: textG, ...sizes(side) },
  });

  test("one text for both encoders at ComfyUI's sizes is what CLIPTextEncode gives", async () => {
    const plain = { class_type: "CLIPTextEncode", inputs: { text: "a fox", clip: ["1", 1] } };
    expect(await drawn(both("a fox", "a fox", 768))).toEqual(await drawn(plain));
  });

  test("DualCLIPLoader loads both encoders of a folder", async () => {
    const names = { clip_name1: "tiny-xl", clip_name2: "tiny-xl", type: "sdxl" };
    const loaded = { "7": { class_type: "DualCLIPLoader", inputs: names } };
    const encoder = (clip: string, slot: number): Node => ({
      class_type: "CLIPTextEncode",
      inputs: { text: "a fox", clip: [clip, slot] },
    });
    expect(await drawn(encoder("7", 0), loaded)).toEqual(await drawn(encoder("1", 1)));
  });

  test("texts and sizes count, and texts of different lengths are padded", async () => {
    const base = await drawn(both("a fox", "a fox", 768));
    const long = "blue sea, ".repeat(40);
    for (const other of [
      both(long, "a fox", 768),
      both("a fox", long, 768),
      both("a fox", "a fox", 64),
    ]) {
      const latent = await drawn(other);
      expect(latent).not.toEqual(base);
      expect(latent.every(Number.isFinite)).toBe(true);
    }
  });

  test("a pipeline with one encoder is refused", async () => {
    const graph = {
      "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "tiny-sd" } },
      "2": both("a", "b", 64),
      "4": { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
      "5": {
        class_type: "KSampler",
        inputs: {
          model: ["1", 0],
          positive: ["2", 0],
          negative: ["2", 0],
          latent_image: ["4", 0],
          seed: 7,
          steps: 2,
          cfg: 4,
          denoise: 1,
          sampler_name: "euler",
          scheduler: "normal",
        },
      },
      "6": { class_type: "SaveLatent", inputs: { samples: ["5", 0], filename_prefix: "x" } },
    };
    await expect(bench.run(graph)).rejects.toThrow("node 2 (CLIPTextEncodeSDXL): clip must be");
  });
});
