/** ControlNetApplyAdvanced: lets a ControlNet steer prompts in a part of the timesteps. */
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { controlled } from "../../run/applied-control.ts";
import { output } from "../../run/node-runner.ts";

export const ControlNetApplyAdvanced: NodeClass = {
  name: "ControlNetApplyAdvanced",
  category: "prompt",
  inputs: {
    positive: link("CONDITIONING"),
    negative: link("CONDITIONING"),
    control_net: link("CONTROL_NET"),
    image: link("IMAGE"),
    strength: float({ default: 1, min: 0, max: 10, step: 0.01 }),
    start_percent: float({ default: 0, min: 0, max: 1, step: 0.001 }),
    end_percent: float({ default: 1, min: 0, max: 1, step: 0.001 }),
  },
  optional: {
    vae: link("VAE"),
  },
  outputs: ["CONDITIONING", "CONDITIONING"],
  outputNames: ["positive", "negative"],
  run(inputs) {
    const positive = inputs.link("positive", "CONDITIONING");
    const negative = inputs.link("negative", "CONDITIONING");
    const range = { start: inputs.number("start_percent"), end: inputs.number("end_percent") };
    const parts = controlled(inputs, [...positive, ...negative], { range, sides: "own" });
    return [
      output("CONDITIONING", parts.slice(0, positive.length)),
      output("CONDITIONING", parts.slice(positive.length)),
    ];
  },
};
