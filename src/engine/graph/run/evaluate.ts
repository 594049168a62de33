/** Evaluates a denoiser for many prompts of one step, those that fit together in one batch. */
import { WorkerError } from "../../../errors.ts";
import type { Denoiser } from "../../diffusion/networks/denoiser.ts";
import type { LatentShape } from "../../diffusion/sampler/latent.ts";
import type { SigmaTable } from "../../diffusion/schedule/sigma-table.ts";
import type { Conditioning } from "../../diffusion/text/conditioning.ts";
import type { Tensor } from "../../models/tensor.ts";
import { controlResiduals } from "./control.ts";
import { SHRINKS_BY } from "./latents.ts";
import type { PlacedPrompt } from "./placed-prompt.ts";
import { cut } from "./resize.ts";
import type { LatentArea } from "./values.ts";

export interface Evaluation {
  readonly prompt: PlacedPrompt;
  /** What the network predicts in the prompt's area. */
  readonly output: Float32Array;
}

export interface StepInput {
  /** Scaled for the network, of `shape`. */
  readonly input: Float32Array;
  readonly shape: LatentShape;
  readonly timestep: number;
  readonly sigma: number;
  readonly table: SigmaTable;
}

/** Latents with sides that are multiples of this can be halved as often as denoisers do it. */
const EVEN_SIDE = 8;
/** ComfyUI repeats the tokens of a prompt at most this often so that it fits the batch of another. */
const MAX_REPEATS = 4;
/** Of latents that the network gets at once, unless a single prompt has more: four pictures of 1024x1024. */
const MAX_PLACES = 2 ** 16;

/** In the order of the prompts. */
export async function evaluate(
  denoiser: Denoiser,
  prompts: readonly PlacedPrompt[],
  step: StepInput,
): Promise<Evaluation[]> {
  const outputs = new Map<PlacedPrompt, Float32Array>();
  for (const batch of batches(prompts, step.shape[0])) {
    for (const [at, output] of (await evaluateBatch(denoiser, batch, step)).entries()) {
      outputs.set(batch[at] as PlacedPrompt, output);
    }
  }
  return prompts.map((prompt) => {
    return { prompt, output: outputs.get(prompt) ?? new Float32Array(0) };
  });
}

/**
 * Prompts with the same ControlNets and areas of one size, whose numbers of tokens have a common multiple that is not much
 * longer. Each counts for all `pictures`.
 */
function batches(prompts: readonly PlacedPrompt[], pictures: number): PlacedPrompt[][] {
  const groups: PlacedPrompt[][] = [];
  for (const prompt of prompts) {
    const places = pictures * prompt.area.height * prompt.area.width;
    const group = groups.find(
      (group) => (group.length + 1) * places <= MAX_PLACES && fits(group, prompt),
    );
    if (group === undefined) groups.push([prompt]);
    else group.push(prompt);
  }
  return groups;
}

function fits(group: readonly PlacedPrompt[], prompt: PlacedPrompt): boolean {
  const [first] = group;
  if (first === undefined || first.control !== prompt.control) return false;
  const { area } = first;
  if (area.height !== prompt.area.height || area.width !== prompt.area.width) return false;
  const counts = [...group, prompt].map(({ conditioning }) => conditioning.tokens);
  return counts.reduce(commonMultiple) / Math.min(...counts) <= MAX_REPEATS;
}

async function evaluateBatch(
  denoiser: Denoiser,
  prompts: readonly PlacedPrompt[],
  step: StepInput,
): Promise<Float32Array[]> {
  const { input, shape, timestep } = step;
  const [batch, channels, fullHeight, fullWidth] = shape;
  const { height, width } = prompts[0]?.area ?? { height: fullHeight, width: fullWidth };
  const size = batch * channels * height * width;
  const sample = new Float32Array(prompts.length * size);
  for (const [at, { area }] of prompts.entries()) {
    const isWhole = height === fullHeight && width === fullWidth;
    sample.set(isWhole ? input : cut({ values: input, shape }, area).values, at * size);
  }
  const conditionings = prompts.map(({ conditioning }) => conditioning);
  const network = {
    sample: tensor(sample, [prompts.length * batch, channels, height, width]),
    timestep,
    embeddings: embeddingsOf(conditionings, batch),
  };
  const control = prompts[0]?.control ?? null;
  const { data } = await predicted({ height, width }, async () =>
    denoiser.predict({
      ...network,
      extras: {
        ...extrasOf(denoiser, prompts, batch),
        ...(await controlResiduals(control, denoiser, { ...network, ...step })),
      },
    }),
  );
  return prompts.map((_, at) => (data as Float32Array).subarray(at * size, (at + 1) * size));
}

/**
 * Networks halve the sides of a latent several times, and those that were not exported for odd ones fail there: that is
 * the fault of whoever chose the size.
 */
async function predicted(
  { height, width }: Pick<LatentArea, "height" | "width">,
  run: () => Promise<Tensor>,
): Promise<Tensor> {
  try {
    return await run();
  } catch (error) {
    const isOdd = height % EVEN_SIDE !== 0 || width % EVEN_SIDE !== 0;
    if (!isOdd || !(error instanceof WorkerError) || error.kind !== "model_failed") throw error;
    const size = `${width * SHRINKS_BY}x${height * SHRINKS_BY}`;
    const problem = `the model cannot draw a picture, or an area of one, of ${size} pixels`;
    const way = `give sides that are multiples of ${EVEN_SIDE * SHRINKS_BY}`;
    throw new WorkerError("invalid_request", `${problem}: ${way}`, { cause: error });
  }
}

/** Each prompt repeated to a common number of tokens, which changes nothing for cross-attention, for each picture. */
function embeddingsOf(conditionings: readonly Conditioning[], batch: number): Tensor {
  const width = conditionings[0]?.width ?? 0;
  const tokens = conditionings.reduce((all, each) => commonMultiple(all, each.tokens), 1);
  const data = new Float32Array(conditionings.length * batch * tokens * width);
  let at = 0;
  for (const { embeddings } of conditionings) {
    for (const end = at + batch * tokens * width; at < end; at += embeddings.length) {
      data.set(embeddings, at);
    }
  }
  return tensor(data, [conditionings.length * batch, tokens, width]);
}

/** SDXL's vectors. */
function extrasOf(
  denoiser: Denoiser,
  prompts: readonly PlacedPrompt[],
  batch: number,
): Record<string, Tensor> {
  const conditionings = prompts.map(({ conditioning }) => conditioning);
  const extras: Record<string, Tensor> = {};
  const count = conditionings.length * batch;
  const width = conditionings.find(({ pooled }) => pooled !== null)?.pooled?.length ?? 0;
  if (denoiser.takes("text_embeds") && width > 0) {
    const data = new Float32Array(count * width);
    for (let at = 0; at < count; at++) {
      const { pooled } = conditionings[Math.floor(at / batch)] ?? {};
      if (pooled) data.set(pooled, at * width);
    }
    extras["text_embeds"] = tensor(data, [count, width]);
  }
  if (denoiser.takes("time_ids")) {
    const data = Float32Array.from({ length: count * 6 }, (_, at) => {
      return prompts[Math.floor(at / (6 * batch))]?.sizes[at % 6] ?? 0;
    });
    extras["time_ids"] = tensor(data, [count, 6]);
  }
  return extras;
}

const tensor = (data: Float32Array, dims: readonly number[]): Tensor => ({
  ...{ dtype: "float32", dims, data },
});

function commonMultiple(a: number, b: number): number {
  let [large, small] = [a, b];
  while (small > 0) [large, small] = [small, large % small];
  return (a / large) * b;
}
