/** Lists ComfyUI's schedulers by name, and cuts their schedules to a share of denoising. */
import {
  exponentialSigmas,
  karrasSigmas,
  klOptimalSigmas,
  linearQuadraticSigmas,
} from "./curve-schedules.ts";
import type { SigmaTable } from "./sigma-table.ts";
import {
  betaSigmas,
  ddimUniformSigmas,
  normalSigmas,
  sgmUniformSigmas,
  simpleSigmas,
} from "./table-schedules.ts";

/** Descending sigmas for `steps` steps, as a rule steps + 1 values, the last one 0. */
export type Schedule = (table: SigmaTable, steps: number) => Float32Array;

/** The schedulers of KSampler and BasicScheduler, in ComfyUI's order. */
export const SCHEDULES = {
  simple: simpleSigmas,
  sgm_uniform: sgmUniformSigmas,
  karras: (table, steps) => karrasSigmas(table, steps),
  exponential: exponentialSigmas,
  ddim_uniform: ddimUniformSigmas,
  beta: (table, steps) => betaSigmas(table, steps),
  normal: normalSigmas,
  linear_quadratic: (table, steps) => linearQuadraticSigmas(table, steps),
  kl_optimal: klOptimalSigmas,
} as const satisfies Record<string, Schedule>;

export type ScheduleName = keyof typeof SCHEDULES;

export function isScheduleName(name: string): name is ScheduleName {
  return Object.hasOwn(SCHEDULES, name);
}

export interface ScheduleRequest {
  readonly schedule: ScheduleName;
  /** Steps that are run, at least 1. */
  readonly steps: number;
  /** Share of the noise that is added and removed, 0 to 1. */
  readonly denoise?: number;
}

/**
 * What KSampler runs: at full denoise the whole schedule, even where that does not have steps + 1 values; below, the
 * last steps + 1 values of the schedule for `trunc(steps / denoise)` steps. Empty if denoise is 0 or less: the latent
 * is to come back unchanged.
 *
 * @param penultimate "dropped" for samplers that evaluate between two sigmas: one step more is computed, and the
 *   last sigma before the final 0 left out
 */
export function kSamplerSigmas(
  table: SigmaTable,
  { schedule, steps, denoise = 1 }: ScheduleRequest,
  penultimate: "kept" | "dropped" = "kept",
): Float32Array {
  checkSteps(steps);
  if (denoise <= 0) return new Float32Array(0);
  const isWhole = denoise > 0.9999;
  const total = isWhole ? steps : Math.trunc(steps / denoise);
  const sigmas = SCHEDULES[schedule](table, penultimate === "kept" ? total : total + 1);
  const run =
    penultimate === "kept"
      ? sigmas
      : Float32Array.of(...sigmas.subarray(0, -2), ...sigmas.subarray(-1));
  return isWhole ? run : run.slice(-(steps + 1));
}

/** What BasicScheduler returns: as for KSampler, but never more than steps + 1 values, and none dropped. */
export function basicSchedulerSigmas(
  table: SigmaTable,
  { schedule, steps, denoise = 1 }: ScheduleRequest,
): Float32Array {
  checkSteps(steps);
  if (denoise <= 0) return new Float32Array(0);
  const total = denoise < 1 ? Math.trunc(steps / denoise) : steps;
  return SCHEDULES[schedule](table, total).slice(-(steps + 1));
}

function checkSteps(steps: number): void {
  if (Number.isInteger(steps) && steps >= 1) return;
  throw new RangeError(`steps is ${steps}; give a whole number of 1 or more`);
}
