/** Linear multistep: the slopes of earlier steps, extrapolated by a polynomial over sigma, make a step higher order. */
import { combine, slope } from "./combine.ts";
import { lagrangePolynomial } from "./polynomial.ts";
import { intervals, type Sampler } from "./sampler.ts";

const ORDER = 4;

/** "lms": Adams–Bashforth over unequal steps, up to fourth order, in sigma. */
export const lms: Sampler = async (x, { denoise, sigmas, onStep }) => {
  const slopes: Float32Array[] = [];
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    slopes.unshift(slope(x, denoised, sigma));
    if (slopes.length > ORDER) slopes.pop();
    if (next === 0) {
      x.set(denoised);
      continue;
    }
    const nodes = slopes.map((_, back) => sigmas[index - back] as number);
    combine(
      x,
      [1, x],
      ...slopes.map((values, j) => [lagrangeIntegral(nodes, j, sigma, next), values] as const),
    );
  }
  return x;
};

/** The integral from `from` to `to` of the j-th Lagrange polynomial over `nodes`. */
function lagrangeIntegral(nodes: readonly number[], j: number, from: number, to: number): number {
  const width = to - from;
  return lagrangePolynomial(nodes, j, from).reduce(
    (sum, value, power) => sum + (value * width ** (power + 1)) / (power + 1),
    0,
  );
}
