/** Adds up latents with factors, the one operation that all samplers consist of. */

/** An array and the factor it is added with. */
export type Term = readonly [factor: number, values: Float32Array];

/**
 * Writes the sum of all terms into `out`, which may be one of their arrays, and returns it. Sums in double precision
 * and rounds once.
 */
export function combine(out: Float32Array, ...terms: readonly Term[]): Float32Array {
  const factors = terms.map(([factor]) => factor);
  const arrays = terms.map(([, values]) => values);
  const count = terms.length;
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let k = 0; k < count; k++) {
      sum += (factors[k] as number) * ((arrays[k] as Float32Array)[i] as number);
    }
    out[i] = sum;
  }
  return out;
}

/** Moves `x` along the straight line through it and its clean prediction: Euler's step from `sigma` to `next`. */
export function eulerStep(
  x: Float32Array,
  denoised: Float32Array,
  sigma: number,
  next: number,
): void {
  const kept = next / sigma;
  combine(x, [kept, x], [1 - kept, denoised]);
}

/** The slope dx/dsigma of the probability flow at `x` (Karras et al. 2022, eq. 1), in a new array. */
export function slope(x: Float32Array, denoised: Float32Array, sigma: number): Float32Array {
  return combine(new Float32Array(x.length), [1 / sigma, x], [-1 / sigma, denoised]);
}
