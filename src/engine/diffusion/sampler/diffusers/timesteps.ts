/** Chooses the training timesteps and noise levels for a number of inference steps, as diffusers does. */
import { WorkerError } from "../../../../errors.ts";
import { inverseBeta } from "../../schedule/inverse-beta.ts";
import { roundHalfToEven } from "../../schedule/python-numbers.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";

const KARRAS_RHO = 7;

/** Throws `invalid_request` unless `steps` is a whole number from 1 to `most`. */
export function checkSteps(steps: number, most: number): void {
  if (Number.isInteger(steps) && steps >= 1 && steps <= most) return;
  throw new WorkerError(
    "invalid_request",
    `steps is ${steps}; give a whole number from 1 to ${most}`,
  );
}

/**
 * Timesteps in descending order (Lin et al. 2024, table 2): "linspace" from the last to the first, "leading" without
 * the last ones, "trailing" from the last one without the first ones. Rounded, except for linspace.
 */
export function spacedTimesteps(
  { timestepSpacing, numTrainTimesteps: total, stepsOffset }: SchedulerConfig,
  steps: number,
): number[] {
  switch (timestepSpacing) {
    case "linspace": {
      const width = steps > 1 ? (total - 1) / (steps - 1) : 0;
      return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * width);
    }
    case "leading": {
      const width = Math.floor(total / steps);
      return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * width + stepsOffset);
    }
    case "trailing": {
      const width = total / steps;
      return Array.from({ length: steps }, (_, i) => roundHalfToEven(total - i * width) - 1);
    }
  }
}

/** The sigma of a timestep, interpolated linearly between whole ones. */
export function interpolateSigma(sigmas: Float32Array, timestep: number): number {
  const clamped = Math.min(Math.max(timestep, 0), sigmas.length - 1);
  const low = Math.floor(clamped);
  const from = sigmas[low] as number;
  return from + (clamped - low) * ((sigmas[Math.ceil(clamped)] as number) - from);
}

/** Noise levels between two, as functions of the share of the way. In double precision. */
const SIGMA_CURVES = {
  karras: (from: number, to: number, share: number) => {
    const high = from ** (1 / KARRAS_RHO);
    return (high + share * (to ** (1 / KARRAS_RHO) - high)) ** KARRAS_RHO;
  },
  exponential: (from: number, to: number, share: number) =>
    Math.exp(Math.log(from) + share * (Math.log(to) - Math.log(from))),
  beta: (from: number, to: number, share: number) =>
    to + inverseBeta(1 - share, 0.6, 0.6) * (from - to),
} as const;

/** `steps` sigmas between two, spaced without regard to timesteps. */
export function respacedSigmas(
  spacing: keyof typeof SIGMA_CURVES,
  { from, to }: { readonly from: number; readonly to: number },
  steps: number,
): number[] {
  return Array.from({ length: steps }, (_, i) =>
    SIGMA_CURVES[spacing](from, to, steps > 1 ? i / (steps - 1) : 0),
  );
}

/** The timestep of a sigma, ln sigma interpolated between the trained ones; clamped to them. */
export function timestepOfSigma(sigma: number, logSigmas: Float32Array): number {
  const log = Math.log(Math.max(sigma, 1e-10));
  let low = 0;
  while (low < logSigmas.length - 2 && (logSigmas[low + 1] as number) <= log) low++;
  const lowLog = logSigmas[low] as number;
  const spread = Math.fround(lowLog - (logSigmas[low + 1] as number));
  const weight = Math.min(Math.max((lowLog - log) / spread, 0), 1);
  return (1 - weight) * low + weight * (low + 1);
}
