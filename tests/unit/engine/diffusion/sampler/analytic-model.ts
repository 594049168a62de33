/** A denoising network of one formula, with which reference runs of samplers were made. */
import { guide } from "../../../../../src/engine/diffusion/sampler/guidance.ts";
import {
  modelDenoise,
  type Predict,
} from "../../../../../src/engine/diffusion/sampler/model-denoise.ts";
import type { SampledModel } from "../../../../../src/engine/diffusion/sampler/sample-latent.ts";
import type { Denoise, DenoisePair } from "../../../../../src/engine/diffusion/sampler/sampler.ts";
import {
  SigmaTable,
  trainedSigmas,
} from "../../../../../src/engine/diffusion/schedule/sigma-table.ts";

export const table = new SigmaTable(trainedSigmas());

/** eps = 0.9·x + 0.2·sin(1.5·x + c) − 0.05·c·(t/999), for a conditioning of one number c. */
export function analyticNoise(c: number, input: Float32Array, timestep: number): Float32Array {
  return input.map((x) => 0.9 * x + 0.2 * Math.sin(1.5 * x + c) - 0.05 * c * (timestep / 999));
}

/** The network with positive c 0.7 and negative c −0.3, and the timesteps at which the positive one was called. */
export function analyticModel(cfg: number): {
  readonly model: SampledModel;
  readonly calls: number[];
} {
  const calls: number[] = [];
  const positive: Predict = async (input, timestep) => {
    calls.push(timestep);
    return analyticNoise(0.7, input, timestep);
  };
  const negative: Predict = async (input, timestep) => analyticNoise(-0.3, input, timestep);
  const sampling = { table, prediction: "eps" } as const;
  const [toward, away] = [modelDenoise(positive, sampling), modelDenoise(negative, sampling)];
  const denoisePair = guidedPair(toward, away, cfg);
  const denoise: Denoise = async (x, sigma) =>
    cfg === 1 ? await toward(x, sigma) : (await denoisePair(x, sigma)).guided;
  return { model: { denoise, denoisePair, table, latentScale: 0.18215 }, calls };
}

/** Both predictions for samplers that treat guidance in a way of their own; the negative one is always evaluated. */
export function guidedPair(positive: Denoise, negative: Denoise, scale: number): DenoisePair {
  return async (x, sigma) => {
    const toward = await positive(x, sigma);
    const away = await negative(x, sigma);
    return { guided: guide(toward, away, scale), negative: away };
  };
}
