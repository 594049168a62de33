/**
 * Schedules that follow a curve between two sigmas. Each returns descending sigmas with a final 0 if not said
 * otherwise. Where ComfyUI rounds to single precision on the way, so do these: a sigma is also a time on the Brownian
 * path of the SDE samplers, whose noise differs visibly between neighbouring floats.
 */
import { linspace } from "./python-numbers.ts";

const f = Math.fround;

/** The noisiest and the cleanest sigma before the final 0. */
export interface SigmaRange {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** Karras et al. 2022, eq. 5: equally spaced in sigma^(1/rho). */
export function karrasSigmas(
  { sigmaMin, sigmaMax }: SigmaRange,
  steps: number,
  rho = 7,
): Float32Array {
  const from = sigmaMax ** (1 / rho);
  const width = f(sigmaMin ** (1 / rho) - from);
  return curve(steps, (share) => f(f(from) + f(share * width)) ** rho);
}

/** Equally spaced in ln sigma. */
export function exponentialSigmas({ sigmaMin, sigmaMax }: SigmaRange, steps: number): Float32Array {
  const logs = linspace(Math.log(sigmaMax), Math.log(sigmaMin), steps);
  return curve(steps, (_, i) => Math.exp(logs[i] as number));
}

/** A polynomial in ln sigma, equally spaced for rho 1. */
export function polyexponentialSigmas(
  { sigmaMin, sigmaMax }: SigmaRange,
  steps: number,
  rho = 1,
): Float32Array {
  const low = Math.log(sigmaMin);
  const high = Math.log(sigmaMax);
  return curve(steps, (share) => Math.exp((1 - share) ** rho * (high - low) + low));
}

/** The continuous variance-preserving schedule (Song et al. 2021, "score SDE"), over times 1 to `epsS`. */
export function vpSigmas(steps: number, betaD = 19.9, betaMin = 0.1, epsS = 1e-3): Float32Array {
  return curve(steps, (share) => {
    const time = 1 + share * (epsS - 1);
    return Math.sqrt(Math.expm1((betaD * time * time) / 2 + betaMin * time));
  });
}

/** ln sigma at quantiles of a Laplace distribution (Hang et al. 2024), clamped to the range; without a final 0. */
export function laplaceSigmas(
  { sigmaMin, sigmaMax }: SigmaRange,
  steps: number,
  mu = 0,
  beta = 0.5,
): Float32Array {
  return curve(steps, (share) => {
    const side = Math.sign(0.5 - share);
    const log = mu - beta * side * Math.log(1 - 2 * Math.abs(0.5 - share) + 1e-5);
    return Math.min(Math.max(Math.exp(log), sigmaMin), sigmaMax);
  }).subarray(0, steps);
}

/** "kl_optimal" (Sabour et al. 2024, eq. 42): equally spaced in arctan sigma. NaN for one step, as in ComfyUI. */
export function klOptimalSigmas({ sigmaMin, sigmaMax }: SigmaRange, steps: number): Float32Array {
  const from = f(Math.atan(sigmaMax));
  const to = f(Math.atan(sigmaMin));
  return curve(steps, (_, i) => {
    const share = f(i / (steps - 1));
    return Math.tan(f(f(share * to) + f(f(1 - share) * from)));
  });
}

/**
 * "linear_quadratic" (Polyak et al. 2024, Movie Gen): the first half of the steps removes `threshold` of the noise
 * linearly, the rest follows a parabola that continues the slope.
 */
export function linearQuadraticSigmas(
  { sigmaMax }: Pick<SigmaRange, "sigmaMax">,
  steps: number,
  threshold = 0.025,
): Float32Array {
  if (steps === 1) return Float32Array.of(sigmaMax, 0);
  const linear = Math.floor(steps / 2);
  const quadratic = steps - linear;
  const excess = linear - threshold * steps;
  const square = excess / (linear * quadratic ** 2);
  const slope = threshold / linear - (2 * excess) / quadratic ** 2;
  const constant = square * linear ** 2;
  return curve(steps, (_, i) => {
    const removed = i < linear ? (i * threshold) / linear : square * i * i + slope * i + constant;
    return f(1 - removed) * sigmaMax;
  });
}

/** `steps` values of a curve over the shares 0 to 1 of the way, and a final 0. */
function curve(steps: number, at: (share: number, index: number) => number): Float32Array {
  const schedule = new Float32Array(steps + 1);
  for (const [i, share] of linspace(0, 1, steps).entries()) schedule[i] = at(share, i);
  return schedule;
}
