/** DPM-Solver-2 in terms of sigma: the slope in the middle of a step (in ln sigma) carries over all of it. */
import { ancestralSplit, logMiddle, type NoiseOptions } from "./ancestral.ts";
import { combine, eulerStep, slope } from "./combine.ts";
import { type Denoise, intervals, type Sampler } from "./sampler.ts";

/** "dpm_2": second order (Karras et al. 2022, algorithm 2 without churn; Lu et al. 2022); Euler's for the step to 0. */
export const dpm2: Sampler = async (x, { denoise, sigmas, onStep }) => {
  const ahead = new Float32Array(x.length);
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    await midpointStep(x, denoised, { sigma, target: next, denoise, ahead });
  }
  return x;
};

/** "dpm_2_ancestral": the same below the next sigma, then fresh noise back up to it. */
export function dpm2Ancestral({ eta = 1, noiseScale = 1 }: NoiseOptions = {}): Sampler {
  return async (x, { denoise, sigmas, noise, onStep }) => {
    const ahead = new Float32Array(x.length);
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      const { down, up } = ancestralSplit(sigma, next, eta);
      await midpointStep(x, denoised, { sigma, target: down, denoise, ahead });
      if (down > 0) combine(x, [1, x], [up * noiseScale, noise(sigma, next)]);
    }
    return x;
  };
}

interface MidpointStep {
  readonly sigma: number;
  readonly target: number;
  readonly denoise: Denoise;
  /** Room for the latent in the middle. */
  readonly ahead: Float32Array;
}

async function midpointStep(
  x: Float32Array,
  denoised: Float32Array,
  { sigma, target, denoise, ahead }: MidpointStep,
): Promise<void> {
  if (target === 0) return eulerStep(x, denoised, sigma, target);
  const middle = logMiddle(sigma, target);
  ahead.set(x);
  eulerStep(ahead, denoised, sigma, middle);
  const steepness = slope(ahead, await denoise(ahead, middle), middle);
  combine(x, [1, x], [target - sigma, steepness]);
}
