/** ControlNetApply: lets a ControlNet steer the prompts of both sides. */
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { controlled } from "../../run/applied-control.ts";
import { output } from "../../run/node-runner.ts";

export const ControlNetApply: NodeClass = {
  name: "ControlNetApply",
  category: "prompt",
  inputs: {
    conditioning: link("CONDITIONING"),
    control_net: link("CONTROL_NET"),
    image: link("IMAGE"),
    strength: float({ default: 1, min: 0, max: 10, step: 0.01 }),
  },
  outputs: ["CONDITIONING"],
  run(inputs) {
    const parts = inputs.link("conditioning", "CONDITIONING");
    const range = { start: 0, end: 1 };
    return [output("CONDITIONING", controlled(inputs, parts, { range, sides: "both" }))];
  },
};
