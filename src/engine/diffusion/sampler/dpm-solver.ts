/** DPM-Solver of first to third order, singlestep, with fixed or adaptive steps (Lu et al. 2022), in λ = −ln sigma. */
import { combine } from "./combine.ts";
import type { Denoise, Sampler } from "./sampler.ts";

/** The point x at λ, and its noise prediction (x − denoised)/sigma. */
interface Point {
  readonly x: Float32Array;
  readonly lambda: number;
  readonly noise: Float32Array;
}

const sigmaAt = (lambda: number): number => Math.fround(Math.exp(-lambda));

/** The noise predicted at x, and the clean latent. */
async function predict(
  denoise: Denoise,
  x: Float32Array,
  lambda: number,
): Promise<{ readonly noise: Float32Array; readonly denoised: Float32Array }> {
  const sigma = sigmaAt(lambda);
  const denoised = await denoise(x, sigma);
  const noise = combine(new Float32Array(x.length), [1 / sigma, x], [-1 / sigma, denoised]);
  return { noise, denoised };
}

/** Goes `share` of `width` from a point along its noise, plus `bend` times how far another prediction differs. */
function advance(
  { x, lambda, noise }: Point,
  width: number,
  share: number,
  bend?: { readonly factor: number; readonly noise: Float32Array },
): Float32Array {
  const sigma = sigmaAt(lambda + share * width);
  const straight = -sigma * Math.expm1(share * width);
  const out = new Float32Array(x.length);
  if (bend === undefined) return combine(out, [1, x], [straight, noise]);
  const weight = -sigma * bend.factor;
  return combine(out, [1, x], [straight - weight, noise], [weight, bend.noise]);
}

/** Second order, with one more prediction after the share `r` of the width. */
function secondOrder(at: Point, width: number, r: number, inner: Float32Array): Float32Array {
  return advance(at, width, 1, { factor: Math.expm1(width) / (2 * r), noise: inner });
}

/** Third order, with predictions after one and two thirds of the width. */
async function thirdOrder(
  denoise: Denoise,
  at: Point,
  width: number,
  inner: Float32Array,
): Promise<Float32Array> {
  const share = 2 / 3;
  const reach = share * width;
  const factor = 2 * (Math.expm1(reach) / reach - 1);
  const ahead = advance(at, width, share, { factor, noise: inner });
  const { noise } = await predict(denoise, ahead, at.lambda + reach);
  return advance(at, width, 1, { factor: (Math.expm1(width) / width - 1) / share, noise });
}

/** λ at the noisy and at the clean end; a final 0 is left out, it has no λ. */
function lambdaRange(sigmas: Float32Array): { readonly from: number; readonly to: number } {
  const last = sigmas[sigmas.length - 1] as number;
  const end = last === 0 ? (sigmas[sigmas.length - 2] as number) : last;
  return { from: -Math.log(sigmas[0] as number), to: -Math.log(end) };
}

/**
 * "dpm_fast": as many denoiser calls as the schedule has steps, in steps of third order and a lower one at the end,
 * equally spaced in λ between the schedule's ends. Ends at the last sigma above 0.
 */
export const dpmFast: Sampler = async (x, { denoise, sigmas, onStep }) => {
  const calls = sigmas.length - 1;
  if (calls < 1) return x;
  const { from, to } = lambdaRange(sigmas);
  const steps = Math.floor(calls / 3) + 1;
  const tail = calls % 3 === 0 ? [2, 1] : [calls % 3];
  const orders = [...new Array<number>(steps - tail.length).fill(3), ...tail];
  const width = (to - from) / steps;
  for (const [index, order] of orders.entries()) {
    const lambda = from + index * width;
    const { noise, denoised } = await predict(denoise, x, lambda);
    onStep?.({ index, sigma: sigmaAt(lambda), x, denoised });
    const at = { x, lambda, noise };
    if (order === 1) {
      x.set(advance(at, width, 1));
      continue;
    }
    const r = order === 2 ? 1 / 2 : 1 / 3;
    const inner = await predict(denoise, advance(at, width, r), lambda + r * width);
    x.set(
      order === 2
        ? secondOrder(at, width, r, inner.noise)
        : await thirdOrder(denoise, at, width, inner.noise),
    );
  }
  return x;
};

/** How far second and third order may disagree: relative to the latent, and at least. */
export interface AdaptiveTolerance {
  readonly rtol?: number;
  readonly atol?: number;
}

const FIRST_WIDTH = 0.05;
/** A step whose width would shrink below this share is taken again with that width. */
const ACCEPTED_SHRINKING = 0.81;

/**
 * "dpm_adaptive": third order, the width of each step chosen so that second and third order agree (Lu et al. 2022,
 * algorithm 3, with the step control of k-diffusion). Only the ends of the schedule count. How often the denoiser is
 * called depends on the latent.
 */
export function dpmAdaptive({ rtol = 0.05, atol = 0.0078 }: AdaptiveTolerance = {}): Sampler {
  return async (x, { denoise, sigmas, onStep }) => {
    if (sigmas.length < 2) return x;
    const { from, to } = lambdaRange(sigmas);
    let lambda = from;
    let width = FIRST_WIDTH;
    let lower: Float32Array = x.slice();
    for (let index = 0; lambda < to - 1e-5; index++) {
      const target = Math.min(to, lambda + width);
      const { noise, denoised } = await predict(denoise, x, lambda);
      onStep?.({ index, sigma: sigmaAt(lambda), x, denoised });
      const at = { x, lambda, noise };
      const step = target - lambda;
      const inner = await predict(denoise, advance(at, step, 1 / 3), lambda + step / 3);
      const low = secondOrder(at, step, 1 / 3, inner.noise);
      const high = await thirdOrder(denoise, at, step, inner.noise);
      const error = disagreement(low, high, (i) => {
        const size = Math.max(Math.abs(low[i] as number), Math.abs(lower[i] as number));
        return Math.max(atol, rtol * size);
      });
      const factor = 1 + Math.atan(Math.cbrt(1 / (error + 1e-8)) - 1);
      width *= factor;
      if (factor < ACCEPTED_SHRINKING) continue;
      lower = low;
      x.set(high);
      lambda = target;
    }
    return x;
  };
}

/** Root mean square of the difference, each value relative to what is tolerated there. */
function disagreement(
  low: Float32Array,
  high: Float32Array,
  tolerated: (index: number) => number,
): number {
  let sum = 0;
  for (let i = 0; i < low.length; i++) {
    sum += (((low[i] as number) - (high[i] as number)) / tolerated(i)) ** 2;
  }
  return Math.sqrt(sum / low.length);
}
