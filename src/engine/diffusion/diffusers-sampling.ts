/** Samples a latent step by step with a diffusers scheduler, and draws noise in the order in which diffusers' pipelines do. */
import { TorchGenerator } from "../random/torch-noise.ts";
import type { RunControls } from "./run-controls.ts";
import { firstStepFor, schedulerRun } from "./sampler/diffusers/scheduler.ts";
import { type SchedulerConfig, schedulerConfig } from "./sampler/diffusers/scheduler-config.ts";
import { guide, restoreDeviation } from "./sampler/guidance.ts";
import { type EncodedLatent, latentSize } from "./sampler/latent.ts";
import type { Evaluate } from "./sampler/prompt-guidance.ts";

export interface DiffusersRequest {
  readonly config: SchedulerConfig;
  readonly steps: number;
  /** Of a picture: the last `steps · strength` steps are run, rounded down. */
  readonly strength: number;
  /** Up to 1 the negative prompt is not evaluated. */
  readonly guidance: number;
  /** Share to which guidance keeps the contrast of the positive prediction. */
  readonly guidanceRescale: number;
  /** Share of the noise of a DDPM step, for DDIM. */
  readonly eta: number;
  readonly seed: bigint;
  /** By what latents are multiplied for the denoiser. */
  readonly scale: number;
  readonly controls: RunControls;
}

/** The latent, not scaled. Throws `invalid_request` for a strength that leaves no step. */
export async function sampleAsDiffusers(
  { samples, shape, deviation, isBlank }: EncodedLatent,
  request: DiffusersRequest,
  evaluate: Evaluate,
): Promise<Float32Array> {
  const { config, steps, strength, guidance, guidanceRescale, eta, seed, scale } = request;
  const generator = new TorchGenerator(seed);
  const size = latentSize(shape);
  const drawNoise = (): Float32Array => generator.randn(size);
  const run = schedulerRun(config, steps, eta);
  const first = isBlank ? 0 : firstStepFor(steps, strength);
  const begin = (): Float32Array => {
    if (isBlank) return scaled(drawNoise(), run.initNoiseSigma);
    // The VAE's own noise is drawn before that of the run.
    const clean = deviation === undefined ? samples : drawn(samples, deviation, drawNoise());
    return run.addNoise(scaled(clean, scale), drawNoise(), first);
  };
  const prompts = guidance > 1 ? (["positive", "negative"] as const) : (["positive"] as const);
  let x = begin();
  for (let index = first; index < run.timesteps.length; index++) {
    const [input, timestep] = [run.scaleInput(x, index), run.timesteps[index] as number];
    const controlsFor = request.controls.atStep(index - first, run.timesteps.length - first);
    const [positive, negative] = await evaluate(
      prompts.map((prompt) => ({ input, timestep, prompt, controls: controlsFor(prompt) })),
    );
    if (positive === undefined) throw new Error("the network gave no prediction");
    const output =
      negative === undefined
        ? positive
        : restoreDeviation(guide(positive, negative, guidance), positive, guidanceRescale);
    x = run.step({ index, x, output, drawNoise });
  }
  return scaled(x, 1 / scale);
}

/** True for pipelines whose scheduler is one of the five, with options that are built. */
export function followsDiffusers(scheduler: Readonly<Record<string, unknown>>): boolean {
  try {
    schedulerConfig(scheduler);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const scaled = (values: Float32Array, factor: number): Float32Array =>
  values.map((value) => value * factor);

const drawn = (mean: Float32Array, deviation: Float32Array, noise: Float32Array): Float32Array =>
  mean.map((value, at) => value + (deviation[at] as number) * (noise[at] as number));
