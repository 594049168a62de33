/** ThresholdMask: makes a mask of what lies above a value. */
import { float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ThresholdMask: NodeClass = {
  name: "ThresholdMask",
  category: "mask",
  inputs: {
    mask: link("MASK"),
    value: float({ default: 0.5, min: 0, max: 1, step: 0.01 }),
  },
  outputs: ["MASK"],
  fragment(inputs, math) {
    const mask = inputs.mask("mask");
    return [math.mask(math.indicator(math.greater(mask.value, inputs.number("value"))), mask)];
  },
};
