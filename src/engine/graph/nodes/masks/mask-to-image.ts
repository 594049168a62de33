/** MaskToImage: shows a mask as a grey picture. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const MaskToImage: NodeClass = {
  name: "MaskToImage",
  category: "mask",
  inputs: {
    mask: link("MASK"),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    return [math.repeatedChannel(math.asImage(inputs.mask("mask")), 3)];
  },
};
