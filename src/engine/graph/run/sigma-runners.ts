/** Makes what runs a class of sigmas of the function that computes them. */
import type { SigmaRange } from "../../diffusion/schedule/curve-schedules.ts";
import type { SigmaTable } from "../../diffusion/schedule/sigma-table.ts";
import type { NodeInputs } from "./node-inputs.ts";
import { type NodeRunner, output } from "./node-runner.ts";

export const newSigmas =
  (schedule: (inputs: NodeInputs, steps: number) => Float32Array): NodeRunner =>
  (inputs) => [output("SIGMAS", schedule(inputs, inputs.number("steps")))];

export const editedSigmas =
  (edit: (sigmas: Float32Array, inputs: NodeInputs) => Float32Array): NodeRunner =>
  (inputs) => [output("SIGMAS", edit(inputs.link("sigmas", "SIGMAS"), inputs))];

export const tableOf = (inputs: NodeInputs): SigmaTable =>
  inputs.link("model", "MODEL").sampling.table;

export const rangeOf = (inputs: NodeInputs): SigmaRange => ({
  sigmaMin: inputs.number("sigma_min"),
  sigmaMax: inputs.number("sigma_max"),
});
