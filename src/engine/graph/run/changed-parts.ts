/** Applies a change to every prompt of a CONDITIONING. */
import type { NodeInputs } from "./node-inputs.ts";
import { output } from "./node-runner.ts";
import type { ConditioningPart, NodeValue } from "./values.ts";

export const changedParts = (
  inputs: NodeInputs,
  name: string,
  change: (part: ConditioningPart) => ConditioningPart,
): NodeValue[] => [output("CONDITIONING", inputs.link(name, "CONDITIONING").map(change))];
