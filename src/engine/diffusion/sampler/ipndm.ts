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
export const ipndm: Sampler = pseudoMultistep((widths) => EQUAL_STEPS[widths.length - 1] ?? []);

/** "ipndm_v": up to fourth order, with weights for the widths of the steps. */
export const ipndmVariable: Sampler = pseudoMultistep(variableWeights);

/** @param weightsOf from the widths of this step and of those before it, one weight a slope */
function pseudoMultistep(weightsOf: (widths: readonly number[]) => readonly number[]): Sampler {
  return async (x, { denoise, sigmas, onStep }) => {
    const slopes: Float32Array[] = [];
    const widths: number[] = [];
    for (const { index, sigma, next } of intervals(sigmas)) {
      const denoised = await denoise(x, sigma);
      onStep?.({ index, sigma, x, denoised });
      if (next === 0) {
        x.set(denoised);
        continue;
      }
      slopes.unshift(slope(x, denoised, sigma));
      widths.unshift(next - sigma);
      slopes.length = Math.min(slopes.length, EQUAL_STEPS.length);
      widths.length = slopes.length;
      const weights = weightsOf(widths);
      combine(
        x,
        [1, x],
        ...slopes.map((values, k) => [(next - sigma) * (weights[k] as number), values] as const),
      );
    }
    return x;
  };
}

/**
 * Weights as ComfyUI computes them. They are not quite those of the Adams–Bashforth formulas: `bend` lacks a pair of
 * parentheses, and the last weight takes the ratio of the wrong pair of steps. Both are kept to agree with it.
 */
function variableWeights([h = 1, h1, h2, h3]: readonly number[]): number[] {
  if (h1 === undefined) return [1];
  const first = h / h1 / 2;
  if (h2 === undefined) return [1 + first, -first];
  const bend = (1 - ((h / (3 * (h + h1))) * (h * (h + h1))) / (h1 * (h1 + h2))) / 2;
  const ratio = h1 / h2;
  if (h3 === undefined) return [1 + first + bend, -first - (1 + ratio) * bend, bend * ratio];
  const reach = h + h1 + h2;
  const twist =
    (((1 - h / (3 * (h + h1))) / 2 + ((1 - h / (2 * (h + h1))) * h) / (6 * reach)) *
      (h * (h + h1) * reach)) /
    (h1 * (h1 + h2) * (h1 + h2 + h3));
  const tail = (h1 * (h1 + h2)) / (h2 * (h2 + h3));
  return [
    1 + first + bend + twist,
    -first - (1 + ratio) * bend - (1 + ratio + tail) * twist,
    bend * ratio + (ratio + tail * (1 + h2 / h3)) * twist,
    -twist * tail * ratio,
  ];
}
