/** RES: a second-order exponential integrator with the prediction of the step before (Zhang et al. 2023), in λ. */
import { ancestralSplit, type NoiseOptions } from "./ancestral.ts";
import { combine, eulerStep } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

/** "res_multistep" with eta 0, "res_multistep_ancestral" with eta 1. */
export function resMultistep({ eta = 0, noiseScale = 1 }: NoiseOptions = {}): Sampler {
  return async (x, { denoise, sigmas, noise, onStep }) => {
    let previous: { readonly denoised: Float32Array; readonly down: number } | null = null;
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      const { down, up } = ancestralSplit(sigma, next, eta);
      if (down === 0 || previous === null) {
        eulerStep(x, denoised, sigma, down);
      } else {
        const width = Math.log(sigma / down);
        // Where the earlier prediction lies, in widths: from the sigma that its step reached without noise.
        const position = Math.log(previous.down / (sigmas[index - 1] as number)) / width;
        const phi1 = -Math.expm1(-width) / width;
        const phi2 = (1 - phi1) / width;
        const earlier = Number.isFinite(phi2 / position) ? phi2 / position : 0;
        combine(
          x,
          [Math.exp(-width), x],
          [width * (phi1 - earlier), denoised],
          [width * earlier, previous.denoised],
        );
      }
      if (next > 0 && up > 0) combine(x, [1, x], [up * noiseScale, noise(sigma, next)]);
      previous = { denoised, down };
    }
    return x;
  };
}
