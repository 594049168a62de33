/** InvertMask: inverts a mask. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const InvertMask: NodeClass = {
  name: "InvertMask",
  category: "mask",
  inputs: {
    mask: link("MASK"),
  },
  outputs: ["MASK"],
  fragment(inputs, math) {
    const mask = inputs.mask("mask");
    return [math.mask(math.sub(1, mask.value), mask)];
  },
};
