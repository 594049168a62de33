/** Starts a run of the scheduler that a diffusers pipeline is configured with. */
import { WorkerError } from "../../../../errors.ts";
import { ddimRun } from "./ddim-run.ts";
import { dpmMultistepRun } from "./dpm-multistep-run.ts";
import { eulerRun } from "./euler-run.ts";
import { lcmRun } from "./lcm-run.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import type { SchedulerRun } from "./scheduler-run.ts";

/**
 * A run of `steps` steps, with diffusers' numbers.
 *
 * ```ts
 * const run = schedulerRun(schedulerConfig(json), 4);
 * let x = noise.map((value) => value * run.initNoiseSigma);
 * for (const [index, timestep] of run.timesteps.entries()) {
 *   const output = await unet(run.scaleInput(x, index), timestep);
 *   x = run.step({ index, x, output, drawNoise });
 * }
 * ```
 *
 * @param eta share of noise of the DDIM scheduler; the others do not know it
 */
export function schedulerRun(config: SchedulerConfig, steps: number, eta = 0): SchedulerRun {
  switch (config.className) {
    case "EulerDiscreteScheduler":
    case "EulerAncestralDiscreteScheduler":
      return eulerRun(config, steps);
    case "LCMScheduler":
      return lcmRun(config, steps);
    case "DDIMScheduler":
      return ddimRun(config, steps, eta);
    case "DPMSolverMultistepScheduler":
      return dpmMultistepRun(config, steps);
  }
}

/**
 * The first step of image to image: the last `trunc(steps·strength)` steps are run. Throws `invalid_request` if that is
 * none.
 */
export function firstStepFor(steps: number, strength: number): number {
  const count = Math.min(Math.trunc(steps * strength), steps);
  if (!(count >= 1)) {
    throw new WorkerError(
      "invalid_request",
      `strength ${strength} of ${steps} steps leaves none; raise either`,
    );
  }
  return steps - count;
}
