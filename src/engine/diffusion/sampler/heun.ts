/** Heun's method: the slope at the end of a step corrects the one at its beginning. */
import { combine, eulerStep, slope } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

/** "heun": second order (Karras et al. 2022, algorithm 1 without churn); Euler's for the step to 0. */
export const heun: Sampler = async (x, { denoise, sigmas, onStep }) => {
  const ahead = new Float32Array(x.length);
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    if (next === 0) {
      eulerStep(x, denoised, sigma, next);
      continue;
    }
    const first = slope(x, denoised, sigma);
    const width = next - sigma;
    combine(ahead, [1, x], [width, first]);
    const second = slope(ahead, await denoise(ahead, next), next);
    combine(x, [1, x], [width / 2, first], [width / 2, second]);
  }
  return x;
};

/**
 * "heunpp2", as ComfyUI computes it: slopes at this sigma and at the next two, the later ones weighted by their sigmas
 * relative to the first of the schedule. The last step is Euler's, the last but one has two slopes.
 */
export const heunPlusPlus: Sampler = async (x, { denoise, sigmas, onStep }) => {
  const ahead = new Float32Array(x.length);
  const top = sigmas[0] as number;
  const end = sigmas[sigmas.length - 1] as number;
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    if (next === end) {
      eulerStep(x, denoised, sigma, next);
      continue;
    }
    const width = next - sigma;
    const first = slope(x, denoised, sigma);
    combine(ahead, [1, x], [width, first]);
    const second = slope(ahead, await denoise(ahead, next), next);
    const afterNext = sigmas[index + 2] as number;
    if (afterNext === end) {
      const share = next / (2 * top);
      combine(x, [1, x], [width * (1 - share), first], [width * share, second]);
      continue;
    }
    combine(ahead, [1, ahead], [afterNext - next, second]);
    const third = slope(ahead, await denoise(ahead, afterNext), afterNext);
    const shares = [next / (3 * top), afterNext / (3 * top)] as const;
    combine(
      x,
      [1, x],
      [width * (1 - shares[0] - shares[1]), first],
      [width * shares[0], second],
      [width * shares[1], third],
    );
  }
  return x;
};
