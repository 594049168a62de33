/** KSampler and KSamplerAdvanced: a named sampler on a named schedule, in whole or in part. */
import {
  continuousSigmas,
  kSamplerSigmas,
  type ScheduleName,
  type ScheduleRequest,
} from "../schedule/named-schedules.ts";
import type { Latent } from "./latent.ts";
import { SAMPLERS, type SamplerMethod, type SamplerName } from "./named-samplers.ts";
import {
  type SampledModel,
  type SampleRequest,
  type SampleResult,
  sampleLatent,
} from "./sample-latent.ts";

export interface KSamplerRequest
  extends ScheduleRequest,
    Pick<SampleRequest, "seed" | "noise" | "stepSeed" | "onStep"> {
  readonly sampler: SamplerName;
  readonly schedule: ScheduleName;
  /** KSamplerAdvanced: the part of the schedule that is run. */
  readonly part?: SchedulePart;
  /** How `steps / denoise` becomes a schedule: rounded down as ComfyUI does (default), or see `continuousSigmas`. */
  readonly rounding?: "down" | "none";
}

export interface SchedulePart {
  /** Steps that are skipped. */
  readonly start: number;
  /** The step before which sampling stops; may lie beyond the last one. */
  readonly end: number;
  /** "removed": a run that stops early jumps to a clean latent in its last step. "returned": it stays noisy. */
  readonly leftoverNoise: "removed" | "returned";
}

/**
 * Samples a latent. The result has the latent's scale.
 *
 * ```ts
 * const { samples } = await kSample(model, latent, {
 *   sampler: "euler_ancestral", schedule: "karras", steps: 4, seed: 42n,
 * });
 * ```
 */
export function kSample(
  model: SampledModel,
  latent: Latent,
  request: KSamplerRequest,
): Promise<SampleResult> {
  const method: SamplerMethod = SAMPLERS[request.sampler];
  const schedule = request.rounding === "none" ? continuousSigmas : kSamplerSigmas;
  const sigmas = schedule(model.table, request, method.penultimate);
  return sampleLatent(model, latent, {
    ...request,
    method,
    sigmas: request.part === undefined ? sigmas : partOf(sigmas, request.part),
  });
}

/** Cuts the end first, then the start. Empty if nothing is left to do. */
function partOf(sigmas: Float32Array, { start, end, leftoverNoise }: SchedulePart): Float32Array {
  let run = sigmas;
  if (end < sigmas.length - 1) {
    run = sigmas.slice(0, end + 1);
    if (leftoverNoise === "removed") run[end] = 0;
  }
  return start < run.length - 1 ? run.slice(start) : new Float32Array(0);
}
