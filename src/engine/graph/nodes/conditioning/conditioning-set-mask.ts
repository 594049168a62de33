/** ConditioningSetMask: limits prompts to the area of a mask. */
import { choice, float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { changedParts } from "../../run/changed-parts.ts";

export const ConditioningSetMask: NodeClass = {
  name: "ConditioningSetMask",
  category: "prompt",
  inputs: {
    conditioning: link("CONDITIONING"),
    mask: link("MASK"),
    strength: float({ default: 1, min: 0, max: 10, step: 0.01 }),
    set_cond_area: choice(["default", "mask bounds"]),
  },
  outputs: ["CONDITIONING"],
  run(inputs) {
    const mask = {
      values: inputs.link("mask", "MASK"),
      strength: inputs.number("strength"),
      area: inputs.text("set_cond_area") === "default" ? ("full" as const) : ("bounds" as const),
    };
    return changedParts(inputs, "conditioning", (part) => ({ ...part, mask }));
  },
};
