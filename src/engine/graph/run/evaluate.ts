/** Evaluates a denoiser for the prompts of one step: each in its area, for every picture of the batch. */
import type { ConditionedDenoiser } from "../../diffusion/conditioned-denoiser.ts";
import type { DenoiserRow } from "../../diffusion/row-groups.ts";
import type { LatentShape } from "../../diffusion/sampler/latent.ts";
import type { SigmaTable } from "../../diffusion/schedule/sigma-table.ts";
import { joinedFloats } from "../../models/tensor.ts";
import { controlsAt } from "./control.ts";
import type { PlacedPrompt } from "./placed-prompt.ts";
import { cut } from "./resize.ts";

export interface Evaluation {
  readonly prompt: PlacedPrompt;
  /** What the network predicts in the prompt's area, for all pictures. */
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

/** In the order of the prompts. */
export async function evaluate(
  denoiser: ConditionedDenoiser,
  prompts: readonly PlacedPrompt[],
  step: StepInput,
): Promise<Evaluation[]> {
  const [pictures] = step.shape;
  const outputs = await denoiser.evaluate(prompts.flatMap((prompt) => rowsOf(prompt, step)));
  return prompts.map((prompt, at) => {
    return { prompt, output: joinedFloats(outputs.slice(at * pictures, (at + 1) * pictures)) };
  });
}

/** One for each picture. */
function rowsOf(prompt: PlacedPrompt, { input, shape, ...step }: StepInput): DenoiserRow[] {
  const { conditioning, area, sizes } = prompt;
  const [pictures, , fullHeight, fullWidth] = shape;
  const { height, width } = area;
  const isWhole = height === fullHeight && width === fullWidth;
  const samples = isWhole ? input : cut({ values: input, shape }, area).values;
  const length = samples.length / pictures;
  const controls = controlsAt(prompt.control, { ...step, pictures, height, width });
  return Array.from({ length: pictures }, (_, picture) => ({
    sample: samples.subarray(picture * length, (picture + 1) * length),
    height,
    width,
    timestep: step.timestep,
    conditioning,
    sizes,
    controls: controls[picture] ?? [],
  }));
}
