/** Samplers that jump to the clean prediction or to the DDPM posterior, and add fresh noise. */
import { combine } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

/** "lcm" (Luo et al. 2023, multistep consistency sampling): the clean prediction, noised again to the next sigma. */
export const lcm: Sampler = async (x, { denoise, sigmas, noise, onStep }) => {
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    x.set(denoised);
    if (next > 0) combine(x, [1, x], [next, noise(sigma, next)]);
  }
  return x;
};

/**
 * "ddpm": draws from the posterior of Ho et al. 2020 (algorithm 2). In terms of a variance-preserving latent
 * x/√(1 + σ²) with ᾱ = 1/(1 + σ²).
 */
export const ddpm: Sampler = async (x, { denoise, sigmas, noise, onStep }) => {
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    const product = 1 / (sigma ** 2 + 1);
    const productNext = 1 / (next ** 2 + 1);
    const alpha = product / productNext;
    // mean = (x/√(1 + σ²) − (1 − α)/√(1 − ᾱ) · (x − denoised)/σ) / √α
    const pull = (1 - alpha) / Math.sqrt(1 - product) / sigma;
    const scale = Math.sqrt(1 / alpha) * (next > 0 ? Math.sqrt(1 + next ** 2) : 1);
    combine(x, [scale * (Math.sqrt(product) - pull), x], [scale * pull, denoised]);
    if (next === 0) continue;
    const variance = ((1 - alpha) * (1 - productNext)) / (1 - product);
    combine(x, [1, x], [Math.sqrt(variance * (1 + next ** 2)), noise(sigma, next)]);
  }
  return x;
};
