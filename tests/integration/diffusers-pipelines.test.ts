/** Draws as pipelines of diffusers do, and compares the latents of every step and the pictures with theirs. */
import { afterAll, describe, expect, spyOn, test } from "bun:test";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { DiffusionPipeline, type PictureRequest } from "../../src/engine/diffusion/pipeline.ts";
import {
  CONTROL_NETS,
  type PipelineFolder,
  readPipelineFolder,
  readPipelineParts,
} from "../../src/engine/diffusion/pipeline-folder.ts";
import type { ControlPicture } from "../../src/engine/diffusion/run-controls.ts";
import { schedulerRun } from "../../src/engine/diffusion/sampler/diffusers/scheduler.ts";
import { schedulerConfig } from "../../src/engine/diffusion/sampler/diffusers/scheduler-config.ts";
import type { SamplingRules } from "../../src/engine/diffusion/sampling-rules.ts";
import { statedSizes } from "../../src/engine/diffusion/stream/stream-settings.ts";
import type { Conditioning } from "../../src/engine/diffusion/text/conditioning.ts";
import type { Picture } from "../../src/media/picture.ts";
import { type DiffusersCase, listed } from "../support/diffusers-cases.ts";
import {
  type GoldenCase,
  type GoldenSet,
  goldenSet,
  greatestDifference,
} from "../support/golden.ts";
import { pictureOf } from "../support/image-files.ts";
import { sharedData } from "../support/shared-data.ts";

const golden = sharedData("golden");

/** Fields that are read here: one that is not would change what diffusers drew, unnoticed. */
const FIELDS = [
  ...["id", "kind", "models", "scheduler", "config", "prompt", "negative_prompt", "steps"],
  ...["guidance", "guidance_rescale", "clip_skip", "strength", "eta", "seed", "source", "image"],
  ...["original_size", "crops_coords_top_left", "target_size", "time_ids", "timesteps", "arrays"],
  ...["hint", "scale", "start", "end", "guess_mode"],
];

const opened = new Map<string, Promise<DiffusionPipeline>>();
afterAll(async () => {
  for (const pipeline of opened.values()) await (await pipeline).release();
});

/** A pipeline with the scheduler of the case. */
function pipelineFor(set: string, its: DiffusersCase): Promise<DiffusionPipeline> {
  const { models = "tiny-sd", hint = [] } = its;
  const scheduler = { ...its.config, _class_name: its.scheduler };
  const key = JSON.stringify([set, models, hint.length, scheduler]);
  const known = opened.get(key) ?? open(set, its, scheduler);
  opened.set(key, known);
  return known;
}

async function open(set: string, its: DiffusersCase, scheduler: PipelineFolder["scheduler"]) {
  const parts = await partsOf(set, its);
  return await DiffusionPipeline.open({ ...parts, scheduler }, parseDevice("cpu").settings);
}

async function partsOf(set: string, { models, hint = [] }: DiffusersCase): Promise<PipelineFolder> {
  if (set === "pipeline-xl") return await readPipelineFolder(`${golden}/pipeline-xl/tiny-xl`);
  const parts = await readPipelineFolder(`${golden}/pipeline/tiny-sd`);
  // `tiny-taesd` is a VAE, `tiny-control` a denoiser and a ControlNet; the rest is that of `tiny-sd`.
  if (models === "tiny-taesd") {
    const { networks } = await readPipelineParts(`${golden}/pipeline/tiny-taesd`);
    return { ...parts, networks: { ...parts.networks, ...networks }, scalingFactor: 1 };
  }
  if (set === "pipeline") return parts;
  const { networks } = await readPipelineParts(`${golden}/pipeline-control/tiny-control`);
  const nets = hint.map((_, at) => [CONTROL_NETS[at], networks.controlnet]);
  const own = { ...networks, ...Object.fromEntries(nets) };
  return { ...parts, networks: { ...parts.networks, ...own } };
}

const pngOf = async (path: string): Promise<Picture> =>
  await pictureOf(`data:image/png;base64,${Buffer.from(await Bun.file(path).bytes()).toBase64()}`);

async function controlsOf(set: string, its: DiffusersCase): Promise<ControlPicture[]> {
  const { hint = [], scale, start, end } = its;
  const pictures = hint.map(async (path, net) => ({
    net,
    picture: await pngOf(`${golden}/${set}/${path}`),
    strength: listed(scale, net, 1),
    range: { start: listed(start, net, 0), end: listed(end, net, 1) },
  }));
  return await Promise.all(pictures);
}

async function requestOf(
  set: string,
  its: DiffusersCase,
  pipeline: DiffusionPipeline,
  [, , height = 0, width = 0]: readonly number[],
): Promise<PictureRequest> {
  const { prompt, negative_prompt, source, steps, guidance, seed, strength = 1 } = its;
  const size = { width: width * 8, height: height * 8 };
  const own = [size.height, size.width, 0, 0, size.height, size.width] as const;
  const sizes = statedSizes(
    {
      original: its.original_size ?? [],
      crop: its.crops_coords_top_left ?? [],
      target: its.target_size ?? [],
    },
    own,
  );
  for (const ids of its.time_ids ?? []) expect<readonly number[]>(sizes).toEqual(ids);
  return {
    picture: source === undefined ? null : await pngOf(`${golden}/${set}/${source}`),
    conditioning: await pipeline.conditioner.pairOf(
      [{ prompt, ...(negative_prompt !== null && { negative_prompt }) }],
      { rules: "diffusers", clipSkip: its.clip_skip ?? 0 },
    ),
    size,
    sizes,
    steps,
    strength,
    seed: BigInt(seed),
    rules: "diffusers",
    guidance: { scale: guidance, mode: "full", delta: 1 },
    guidanceRescale: its.guidance_rescale ?? 0,
    ...(its.eta !== undefined && { eta: its.eta }),
    controls: { pictures: await controlsOf(set, its), guesses: its.guess_mode === true },
  };
}

const stepsOf = (set: GoldenSet, its: GoldenCase) => {
  const { data, dims } = set.array(its, "latents");
  const [count = 0, ...shape] = dims;
  const size = data.length / count;
  const all = Array.from({ length: count }, (_, step) =>
    (data as Float32Array).slice(step * size, (step + 1) * size),
  );
  return { all, shape };
};

const farthest = (a: Float32Array, b: Float32Array): number => {
  const tensor = (data: Float32Array) => ({ dtype: "float32", dims: [data.length], data }) as const;
  return greatestDifference(tensor(a), tensor(b));
};

/** By what latents are multiplied for the denoiser. */
const scaleOf = (set: string, { models }: DiffusersCase): number => {
  if (models === "tiny-taesd") return 1;
  return set === "pipeline-xl" ? 0.13025 : 0.18215;
};

for (const name of ["pipeline", "pipeline-xl", "pipeline-control"]) {
  const set = await goldenSet(`${name}/pipelines`);
  describe.skipIf(set === null)(`pipelines of diffusers (../shared/data/golden/${name})`, () => {
    test.each((set?.cases ?? []) as DiffusersCase[])("$id", async (its) => {
      expect(Object.keys(its).filter((field) => !FIELDS.includes(field))).toEqual([]);
      const pipeline = await pipelineFor(name, its);
      const { all: expected, shape } = stepsOf(set as GoldenSet, its);
      const request = await requestOf(name, its, pipeline, shape);
      const evaluate = spyOn(pipeline, "evaluate");
      const drawn = pipeline.sample(request).then((latent) => {
        return { latent, calls: [...evaluate.mock.calls] };
      });
      const { latent, calls } = await drawn.finally(() => evaluate.mockRestore());

      const run = schedulerRun(
        schedulerConfig({ ...its.config, _class_name: its.scheduler }),
        its.steps,
      );
      const first = its.steps - expected.length;
      for (const [step, [evaluations]] of calls.entries()) {
        if (step === 0) continue;
        const input = run.scaleInput(expected[step - 1] as Float32Array, first + step);
        expect(farthest(evaluations[0]?.input as Float32Array, input)).toBeLessThan(1e-3);
      }
      expect(calls).toHaveLength(expected.length);
      const scale = scaleOf(name, its);
      const last = (latent.data as Float32Array).map((value) => value * scale);
      expect(farthest(last, expected.at(-1) as Float32Array)).toBeLessThan(1e-3);

      if (its.image === undefined) return;
      const wanted = await pngOf(`${golden}/${name}/${its.image}`);
      const { data, width, height } = await pipeline.decode(latent);
      expect([width, height]).toEqual([wanted.width, wanted.height]);
      const differences = wanted.data.map((value, place) =>
        Math.abs(value - (data[place] as number)),
      );
      expect(Math.max(...differences)).toBeLessThanOrEqual(1);
      const share = differences.filter((levels) => levels > 0).length / differences.length;
      expect(share).toBeLessThanOrEqual(0.005);
    });
  });
}

test.skipIf(golden === null)(
  "SDXL takes zeros where no negative prompt is sent, and an empty one is encoded (../shared/data/golden)",
  async () => {
    const folder = await readPipelineFolder(`${golden}/pipeline-xl/tiny-xl`);
    const opening = DiffusionPipeline.open(folder, parseDevice("cpu").settings);
    opened.set("SDXL", opening);
    const { conditioner } = await opening;
    const negativeOf = async (negative: { negative_prompt?: string }, rules: SamplingRules) => {
      const prompts = [{ prompt: "a cat", ...negative }];
      return (await conditioner.pairOf(prompts, { rules, clipSkip: 0 })).negative;
    };
    const empty = await conditioner.empty();
    const isZero = ({ embeddings }: Conditioning) => embeddings.every((value) => value === 0);
    for (const rules of ["ComfyUI", "diffusers"] as const) {
      expect(isZero(await negativeOf({}, rules))).toBe(true);
    }
    expect(isZero(await negativeOf({ negative_prompt: "" }, "ComfyUI"))).toBe(true);
    const encoded = await negativeOf({ negative_prompt: "" }, "diffusers");
    expect(encoded.embeddings).toEqual(empty.embeddings);
    expect(encoded.pooled).toEqual(empty.pooled);
  },
);
