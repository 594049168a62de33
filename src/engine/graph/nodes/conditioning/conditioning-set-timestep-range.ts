/** ConditioningSetTimestepRange: limits prompts to a part of the timesteps. */
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { changedParts } from "../../run/changed-parts.ts";

export const ConditioningSetTimestepRange: NodeClass = {
  name: "ConditioningSetTimestepRange",
  category: "prompt",
  inputs: {
    conditioning: link("CONDITIONING"),
    start: float({ default: 0, min: 0, max: 1, step: 0.001 }),
    end: float({ default: 1, min: 0, max: 1, step: 0.001 }),
  },
  outputs: ["CONDITIONING"],
  run(inputs) {
    const range = { start: inputs.number("start"), end: inputs.number("end") };
    return changedParts(inputs, "conditioning", (part) => ({ ...part, range }));
  },
};
