/** Makes the `run` of a node class from the function that computes its sigmas. */
import { WorkerError } from "../../../errors.ts";
import type { SigmaRange } from "../../diffusion/schedule/curve-schedules.ts";
import { MAX_SCHEDULE_STEPS } from "../../diffusion/schedule/named-schedules.ts";
import type { SigmaTable } from "../../diffusion/schedule/sigma-table.ts";
import type { NodeInputs } from "./node-inputs.ts";
import { type NodeRunner, output } from "./node-runner.ts";

export const newSigmas =
  (schedule: (inputs: NodeInputs, steps: number) => Float32Array): NodeRunner =>
  (inputs) => [output("SIGMAS", schedule(inputs, inputs.number("steps")))];

export const editedSigmas =
  (edit: (sigmas: Float32Array, inputs: NodeInputs) => Float32Array): NodeRunner =>
  (inputs) => [output("SIGMAS", edit(inputs.link("sigmas", "SIGMAS"), inputs))];

/** The sigmas themselves. Throws `invalid_request` for more steps than a sampler runs. */
export function checkedSigmas(sigmas: Float32Array): Float32Array {
  const steps = sigmas.length - 1;
  if (steps <= MAX_SCHEDULE_STEPS) return sigmas;
  const problem = `would give ${steps} steps; at most ${MAX_SCHEDULE_STEPS} are allowed`;
  throw new WorkerError("invalid_request", `${problem}: lower steps`);
}

export const tableOf = (inputs: NodeInputs): SigmaTable =>
  inputs.link("model", "MODEL").sampling.table;

export const rangeOf = (inputs: NodeInputs): SigmaRange => ({
  sigmaMin: inputs.number("sigma_min"),
  sigmaMax: inputs.number("sigma_max"),
});
