/** Schedules that pick sigmas from a model's own table. Each returns descending sigmas with a final 0. */
import { inverseBeta } from "./inverse-beta.ts";
import { linspace, roundHalfToEven } from "./python-numbers.ts";
import type { SigmaTable } from "./sigma-table.ts";

/** "simple": every (entries / steps)-th table entry, down from the last. */
export function simpleSigmas({ sigmas }: SigmaTable, steps: number): Float32Array {
  const spacing = sigmas.length / steps;
  const schedule = new Float32Array(steps + 1);
  for (let i = 0; i < steps; i++) {
    schedule[i] = sigmas[sigmas.length - 1 - Math.trunc(i * spacing)] as number;
  }
  return schedule;
}

/**
 * "ddim_uniform" (Song et al. 2021): walks up the table from its second entry by a whole number of entries. May give
 * more or fewer than steps + 1 values, and starts below the highest sigma.
 */
export function ddimUniformSigmas({ sigmas }: SigmaTable, steps: number): Float32Array {
  const spacing = Math.max(Math.floor(sigmas.length / steps), 1);
  const ascending = [0];
  for (let i = 1; i < sigmas.length; i += spacing) ascending.push(sigmas[i] as number);
  return Float32Array.from(ascending.reverse());
}

/** "normal": equally spaced timesteps from the noisiest to the cleanest, then 0. */
export function normalSigmas(table: SigmaTable, steps: number): Float32Array {
  const from = table.timestep(table.sigmaMax);
  const to = table.timestep(table.sigmaMin);
  return atTimesteps(table, linspace(from, to, steps));
}

/** "sgm_uniform": like normal with one timestep more, of which the cleanest is left out. */
export function sgmUniformSigmas(table: SigmaTable, steps: number): Float32Array {
  const from = table.timestep(table.sigmaMax);
  const to = table.timestep(table.sigmaMin);
  return atTimesteps(table, linspace(from, to, steps + 1).subarray(0, steps));
}

/**
 * "beta" (Lee et al. 2024, "Beta Sampling is All You Need"): timesteps at quantiles of the beta distribution, which
 * gathers them at both ends. Repeated timesteps are dropped, so that many steps give fewer values.
 */
export function betaSigmas(
  table: SigmaTable,
  steps: number,
  { alpha = 0.6, beta = 0.6 }: { readonly alpha?: number; readonly beta?: number } = {},
): Float32Array {
  const { sigmas } = table;
  const schedule: number[] = [];
  let previous = -1;
  for (let i = 0; i < steps; i++) {
    // Twelve digits, so that a quantile that is 0.5 but for the last bit still lies between two entries.
    const quantile = Math.round(inverseBeta(1 - i / steps, alpha, beta) * 1e12) / 1e12;
    const entry = roundHalfToEven(quantile * (sigmas.length - 1));
    if (entry !== previous) schedule.push(sigmas[entry] as number);
    previous = entry;
  }
  return Float32Array.of(...schedule, 0);
}

/**
 * SDTurboScheduler (adversarial diffusion distillation, Sauer et al. 2023): of the ten timesteps 999, 899 … 99, up to
 * `steps` from `10 − trunc(10·denoise)` on. May give fewer than steps + 1 values.
 */
export function turboSigmas(table: SigmaTable, steps: number, denoise: number): Float32Array {
  const first = 10 - Math.trunc(10 * denoise);
  const timesteps: number[] = [];
  for (let i = first; i < Math.min(10, first + steps); i++) timesteps.push((10 - i) * 100 - 1);
  return atTimesteps(table, timesteps);
}

function atTimesteps(table: SigmaTable, timesteps: ArrayLike<number>): Float32Array {
  const schedule = new Float32Array(timesteps.length + 1);
  for (let i = 0; i < timesteps.length; i++) schedule[i] = table.sigma(timesteps[i] as number);
  return schedule;
}
