/** Linear multistep: the slopes of earlier steps, extrapolated by a polynomial over sigma, make a step higher order. */
import { combine, slope } from "./combine.ts";
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

/**
 * The integral from `from` to `to` of the j-th Lagrange polynomial over `nodes`: 1 at its own node, 0 at the others.
 */
export function lagrangeIntegral(
  nodes: readonly number[],
  j: number,
  from: number,
  to: number,
): number {
  const own = nodes[j] as number;
  // Coefficients of the product of (s − node) / (own − node), s counted from `from` to keep digits.
  let coefficients = [1];
  for (const [k, node] of nodes.entries()) {
    if (k === j) continue;
    const [shift, scale] = [node - from, own - node];
    const product = new Array<number>(coefficients.length + 1).fill(0);
    for (const [power, value] of coefficients.entries()) {
      product[power + 1] = (product[power + 1] as number) + value / scale;
      product[power] = (product[power] as number) - (shift * value) / scale;
    }
    coefficients = product;
  }
  const width = to - from;
  return coefficients.reduce((sum, value, i) => sum + (value * width ** (i + 1)) / (i + 1), 0);
}
