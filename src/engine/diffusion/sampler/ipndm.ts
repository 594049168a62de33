/** Pseudo linear multistep: Adams–Bashforth with earlier slopes (Liu et al. 2022, PNDM; Zhang and Chen 2023, iPNDM). */
import { combine, slope } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

/** Weights of this slope and earlier ones for equal steps, by order. */
const EQUAL_STEPS = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

/** "ipndm": up to fourth order, with the weights for equal steps whatever the schedule is. */
export const ipndm: Sampler = async (x, { denoise, sigmas, onStep }) => {
  const slopes: Float32Array[] = [];
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    if (next === 0) {
      x.set(denoised);
      continue;
    }
    slopes.unshift(slope(x, denoised, sigma));
    if (slopes.length > EQUAL_STEPS.length) slopes.pop();
    const weights = EQUAL_STEPS[slopes.length - 1] as readonly number[];
    combine(
      x,
      [1, x],
      ...slopes.map((values, k) => [(next - sigma) * (weights[k] as number), values] as const),
    );
  }
  return x;
};
