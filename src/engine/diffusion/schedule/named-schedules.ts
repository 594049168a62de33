/** Lists ComfyUI's schedulers by name, and cuts their schedules to a share of denoising. */
import { WorkerError } from "../../../errors.ts";
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
  penultimate: Penultimate = "kept",
): Float32Array {
  checkSteps(steps);
  if (denoise <= 0) return new Float32Array(0);
  const isWhole = denoise > 0.9999;
  const total = isWhole ? steps : stretchedSteps(steps, denoise);
  const sigmas = sigmasOf(table, schedule, total, penultimate);
  return isWhole ? sigmas : sigmas.slice(-(steps + 1));
}

/**
 * As `kSamplerSigmas`, but every denoise has sigmas of its own. KSampler rounds `steps / denoise` down, so that one step
 * starts from pure noise at 0.51 as well as at 1; here ln sigma is interpolated between the two whole numbers. Where
 * `steps / denoise` is whole, both give the same.
 */
export function continuousSigmas(
  table: SigmaTable,
  { schedule, steps, denoise = 1 }: ScheduleRequest,
  penultimate: Penultimate = "kept",
): Float32Array {
  checkSteps(steps);
  if (denoise <= 0) return new Float32Array(0);
  const total = Math.min(steps / Math.min(denoise, 1), MOST_STEPS);
  const tail = (whole: number): Float32Array => {
    const sigmas = sigmasOf(table, schedule, whole, penultimate);
    return whole === steps ? sigmas : sigmas.slice(-(steps + 1));
  };
  const [low, high] = [tail(Math.floor(total)), tail(Math.ceil(total))];
  const share = total - Math.floor(total);
  if (share === 0 || low.length !== high.length) return low;
  return low.map((sigma, at) => {
    const next = high[at] as number;
    return sigma > 0 && next > 0 ? sigma ** (1 - share) * next ** share : 0;
  });
}

type Penultimate = "kept" | "dropped";

/** What ComfyUI's samplers take at most. A schedule is computed without a pause. */
export const MAX_SCHEDULE_STEPS = 10_000;
/** Beyond, steps are closer together than the timesteps that networks know. */
const MOST_STEPS = 1000;

function sigmasOf(
  table: SigmaTable,
  schedule: ScheduleName,
  steps: number,
  penultimate: Penultimate,
): Float32Array {
  const make: Schedule = SCHEDULES[schedule];
  if (penultimate === "kept") return make(table, steps);
  const sigmas = make(table, steps + 1);
  return Float32Array.of(...sigmas.subarray(0, -2), ...sigmas.subarray(-1));
}

/** What BasicScheduler returns: as for KSampler, but never more than steps + 1 values, and none dropped. */
export function basicSchedulerSigmas(
  table: SigmaTable,
  { schedule, steps, denoise = 1 }: ScheduleRequest,
): Float32Array {
  checkSteps(steps);
  if (denoise <= 0) return new Float32Array(0);
  const total = denoise < 1 ? stretchedSteps(steps, denoise) : steps;
  return SCHEDULES[schedule](table, total).slice(-(steps + 1));
}

/** Of the whole schedule, of which `steps` are run. */
function stretchedSteps(steps: number, denoise: number): number {
  const total = Math.trunc(steps / denoise);
  if (total <= MAX_SCHEDULE_STEPS) return total;
  throw new WorkerError(
    "invalid_request",
    `denoise is ${denoise} and steps ${steps}: steps / denoise must be at most ${MAX_SCHEDULE_STEPS}; raise denoise`,
  );
}

function checkSteps(steps: number): void {
  if (!Number.isInteger(steps) || steps < 1) {
    throw new WorkerError("invalid_request", `steps is ${steps}; give a whole number of 1 or more`);
  }
  if (steps <= MAX_SCHEDULE_STEPS) return;
  throw new WorkerError("invalid_request", `steps is ${steps}; give at most ${MAX_SCHEDULE_STEPS}`);
}
