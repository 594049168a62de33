/** DEIS, tAB variant: earlier slopes extrapolated by a polynomial over diffusion time (Zhang and Chen 2023). */
import { combine, slope } from "./combine.ts";
import { intervals, type Sampler } from "./sampler.ts";

const ORDER = 3;
/** Points at which ComfyUI adds up the integrals; the sum is kept coarse in the same way to agree with it. */
const POINTS = 10_000;
/** The variance-preserving process that time is measured in: its sigma at time 0.001 and at time 1. */
const TIME_EPSILON = 1e-3;
const SIGMA_AT_EPSILON = 0.002;
const SIGMA_AT_ONE = 80;

const logMax = Math.log(SIGMA_AT_ONE ** 2 + 1);
const BETA_SLOPE =
  (2 * (Math.log(SIGMA_AT_EPSILON ** 2 + 1) / TIME_EPSILON - logMax)) / (TIME_EPSILON - 1);
const BETA_MIN = logMax - 0.5 * BETA_SLOPE;

/** "deis": up to third order; Euler's for the first step and for the step to 0. */
export const deis: Sampler = async (x, { denoise, sigmas, onStep }) => {
  const slopes: Float32Array[] = [];
  for (const { index, sigma, next } of intervals(sigmas)) {
    const denoised = await denoise(x, sigma);
    onStep?.({ index, sigma, x, denoised });
    if (next === 0) {
      x.set(denoised);
      continue;
    }
    slopes.unshift(slope(x, denoised, sigma));
    if (slopes.length > ORDER) slopes.pop();
    const times = slopes.map((_, back) => timeOf(sigmas[index - back] as number));
    const weights = slopes.length === 1 ? [next - sigma] : integrals(times, timeOf(next));
    combine(x, [1, x], ...slopes.map((values, k) => [weights[k] as number, values] as const));
  }
  return x;
};

/** The time at which the variance-preserving process has a sigma: the inverse of √(exp(β·t²/2 + βmin·t) − 1). */
function timeOf(sigma: number): number {
  const root = Math.sqrt(BETA_MIN ** 2 + 2 * BETA_SLOPE * Math.log(sigma ** 2 + 1));
  return (root - BETA_MIN) / BETA_SLOPE;
}

/**
 * For each node, the integral from the first node to `to` of its Lagrange polynomial times dsigma/dt, added up as
 * ComfyUI does: both ends count, the width is divided by the number of points.
 */
function integrals(nodes: readonly number[], to: number): number[] {
  const from = nodes[0] as number;
  const sums = nodes.map(() => 0);
  for (let i = 0; i < POINTS; i++) {
    const time = from + ((to - from) * i) / (POINTS - 1);
    const rate = sigmaRate(time);
    for (let j = 0; j < nodes.length; j++) {
      let polynomial = rate;
      for (let k = 0; k < nodes.length; k++) {
        if (k === j) continue;
        polynomial *= (time - (nodes[k] as number)) / ((nodes[j] as number) - (nodes[k] as number));
      }
      sums[j] = (sums[j] as number) + polynomial;
    }
  }
  return sums.map((sum) => (sum * (to - from)) / POINTS);
}

/** −½ · d(ln α)/dt / √(α(1 − α)) for α = exp(−β·t²/2 − βmin·t). */
function sigmaRate(time: number): number {
  const alpha = Math.exp(-0.5 * time * time * BETA_SLOPE - time * BETA_MIN);
  return (0.5 * (time * BETA_SLOPE + BETA_MIN)) / Math.sqrt(alpha * (1 - alpha));
}
