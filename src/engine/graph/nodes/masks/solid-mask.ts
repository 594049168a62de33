/** SolidMask: makes a mask of one value. */
import { float, int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const SolidMask: NodeClass = {
  name: "SolidMask",
  category: "mask",
  inputs: {
    value: float({ default: 1, min: 0, max: 1, step: 0.01 }),
    width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    height: int({ default: 512, min: 1, max: 16384, step: 1 }),
  },
  outputs: ["MASK"],
  fragment(inputs, math) {
    const size = { batch: 1, height: inputs.number("height"), width: inputs.number("width") };
    const level = math.value(inputs.number("value"));
    return [math.mask(math.expand(level, 1, size.height, size.width), size)];
  },
};
