/** Euler's method: one denoiser call a step, deterministic or with fresh noise. */
import { ancestralSplit, type NoiseOptions } from "./ancestral.ts";
import { combine, eulerStep } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

/** "euler": first order (Karras et al. 2022, algorithm 1 without churn and correction). Also ComfyUI's "ddim". */
export const euler: Sampler = async (x, { denoise, sigmas, onStep }) => {
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    eulerStep(x, denoised, sigma, next);
  }
  return x;
};

/** "euler_ancestral": an Euler step below the next sigma, then fresh noise back up to it. */
export function eulerAncestral({ eta = 1, noiseScale = 1 }: NoiseOptions = {}): Sampler {
  return async (x, { denoise, sigmas, noise, onStep }) => {
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      const { down, up } = ancestralSplit(sigma, next, eta);
      eulerStep(x, denoised, sigma, down);
      if (down > 0) combine(x, [1, x], [up * noiseScale, noise(sigma, next)]);
    }
    return x;
  };
}
