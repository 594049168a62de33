/** Gradient estimation: Euler steps whose slope is extrapolated from its last change (Permenter and Yuan 2024). */
import { combine, eulerStep, slope } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

/** "gradient_estimation". @param gamma how far the slope is extrapolated; 1 is Euler's method */
export function gradientEstimation(gamma = 2): Sampler {
  return async (x, { denoise, sigmas, onStep }) => {
    let previous: Float32Array | null = null;
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      const steepness = slope(x, denoised, sigma);
      eulerStep(x, denoised, sigma, next);
      if (previous !== null && next > 0) {
        const push = (gamma - 1) * (next - sigma);
        combine(x, [1, x], [push, steepness], [-push, previous]);
      }
      previous = steepness;
    }
    return x;
  };
}
