/** ConditioningSetArea: limits prompts to a rectangle of the picture. */
import { LATENT_PLACE } from "../../../diffusion/sampler/latent.ts";
import { float, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { changedParts } from "../../run/changed-parts.ts";

export const ConditioningSetArea: NodeClass = {
  name: "ConditioningSetArea",
  category: "prompt",
  inputs: {
    conditioning: link("CONDITIONING"),
    width: int({ default: 64, min: 64, max: 16384, step: 8 }),
    height: int({ default: 64, min: 64, max: 16384, step: 8 }),
    x: int({ default: 0, min: 0, max: 16384, step: 8 }),
    y: int({ default: 0, min: 0, max: 16384, step: 8 }),
    strength: float({ default: 1, min: 0, max: 10, step: 0.01 }),
  },
  outputs: ["CONDITIONING"],
  run(inputs) {
    const places = (name: string): number => Math.floor(inputs.number(name) / LATENT_PLACE);
    const area = {
      width: places("width"),
      height: places("height"),
      x: places("x"),
      y: places("y"),
    };
    const strength = inputs.number("strength");
    return changedParts(inputs, "conditioning", (part) => ({ ...part, area, strength }));
  },
};
