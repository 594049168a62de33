/** Runs the nodes that make and change lists of sigmas. */
import { WorkerError } from "../../../../errors.ts";
import { type AlignedFamily, alignedSigmas } from "../../../diffusion/schedule/align-your-steps.ts";
import {
  exponentialSigmas,
  karrasSigmas,
  laplaceSigmas,
  polyexponentialSigmas,
  type SigmaRange,
  vpSigmas,
} from "../../../diffusion/schedule/curve-schedules.ts";
import {
  basicSchedulerSigmas,
  isScheduleName,
  SCHEDULES,
  type ScheduleName,
} from "../../../diffusion/schedule/named-schedules.ts";
import {
  extendSigmas,
  flipSigmas,
  type Refinement,
  setFirstSigma,
  splitSigmas,
  splitSigmasByDenoise,
} from "../../../diffusion/schedule/sigma-edits.ts";
import type { SigmaTable } from "../../../diffusion/schedule/sigma-table.ts";
import { betaSigmas, turboSigmas } from "../../../diffusion/schedule/table-schedules.ts";
import type { NodeInputs } from "../node-inputs.ts";
import { type NodeRunner, type NodeRunners, output } from "../node-runner.ts";

const made =
  (schedule: (inputs: NodeInputs, steps: number) => Float32Array): NodeRunner =>
  (inputs) => [output("SIGMAS", schedule(inputs, inputs.number("steps")))];

const edited =
  (edit: (sigmas: Float32Array, inputs: NodeInputs) => Float32Array): NodeRunner =>
  (inputs) => [output("SIGMAS", edit(inputs.link("sigmas", "SIGMAS"), inputs))];

const tableOf = (inputs: NodeInputs): SigmaTable => inputs.link("model", "MODEL").sampling.table;

const rangeOf = (inputs: NodeInputs): SigmaRange => ({
  sigmaMin: inputs.number("sigma_min"),
  sigmaMax: inputs.number("sigma_max"),
});

export const SCHEDULE_RUNNERS: NodeRunners = {
  BasicScheduler: made((inputs, steps) =>
    basicSchedulerSigmas(tableOf(inputs), {
      ...{ schedule: scheduleIn(inputs), steps, denoise: inputs.number("denoise") },
    }),
  ),
  SDTurboScheduler: made((inputs, steps) =>
    turboSigmas(tableOf(inputs), steps, inputs.number("denoise")),
  ),
  BetaSamplingScheduler: made((inputs, steps) =>
    betaSigmas(tableOf(inputs), steps, {
      alpha: inputs.number("alpha"),
      beta: inputs.number("beta"),
    }),
  ),
  AlignYourStepsScheduler: made((inputs, steps) => {
    const family = inputs.text("model_type") as AlignedFamily; // one of the class's choices
    return alignedSigmas(family, steps, inputs.number("denoise"));
  }),
  KarrasScheduler: made((inputs, steps) =>
    karrasSigmas(rangeOf(inputs), steps, inputs.number("rho")),
  ),
  ExponentialScheduler: made((inputs, steps) => exponentialSigmas(rangeOf(inputs), steps)),
  PolyexponentialScheduler: made((inputs, steps) =>
    polyexponentialSigmas(rangeOf(inputs), steps, inputs.number("rho")),
  ),
  LaplaceScheduler: made((inputs, steps) =>
    laplaceSigmas(rangeOf(inputs), steps, inputs.number("mu"), inputs.number("beta")),
  ),
  VPScheduler: made((inputs, steps) =>
    vpSigmas(
      steps,
      ...(["beta_d", "beta_min", "eps_s"] as const).map((name) => inputs.number(name)),
    ),
  ),

  SplitSigmas: (inputs) => {
    const { high, low } = splitSigmas(inputs.link("sigmas", "SIGMAS"), inputs.number("step"));
    return [output("SIGMAS", high), output("SIGMAS", low)];
  },
  SplitSigmasDenoise: (inputs) => {
    const sigmas = inputs.link("sigmas", "SIGMAS");
    const { high, low } = splitSigmasByDenoise(sigmas, inputs.number("denoise"));
    return [output("SIGMAS", high), output("SIGMAS", low)];
  },
  FlipSigmas: edited(flipSigmas),
  SetFirstSigma: edited((sigmas, inputs) => setFirstSigma(sigmas, inputs.number("sigma"))),
  ExtendIntermediateSigmas: edited((sigmas, inputs) =>
    extendSigmas(sigmas, {
      steps: inputs.number("steps"),
      startAtSigma: inputs.number("start_at_sigma"),
      endAtSigma: inputs.number("end_at_sigma"),
      spacing: inputs.text("spacing") as Refinement["spacing"], // one of the class's choices
    }),
  ),
};

/** The input `scheduler`. */
export function scheduleIn(inputs: NodeInputs): ScheduleName {
  const name = inputs.text("scheduler");
  if (isScheduleName(name)) return name;
  const known = Object.keys(SCHEDULES).join(", ");
  throw new WorkerError(
    "invalid_request",
    `scheduler ${JSON.stringify(name)} does not run here; these do: ${known}`,
  );
}
