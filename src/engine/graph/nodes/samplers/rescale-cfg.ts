/** RescaleCFG: rescales guided predictions to the standard deviation of the positive one. */
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { output } from "../../run/node-runner.ts";

export const RescaleCFG: NodeClass = {
  name: "RescaleCFG",
  category: "sampling/model",
  inputs: {
    model: link("MODEL"),
    multiplier: float({ default: 0.7, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["MODEL"],
  run(inputs) {
    const model = inputs.link("model", "MODEL");
    return [output("MODEL", { ...model, rescale: inputs.number("multiplier") })];
  },
};
