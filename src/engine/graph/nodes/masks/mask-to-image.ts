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
    const mask = inputs.mask("mask");
    const { batch, height, width } = mask;
    const grey = math.asImage(mask);
    return [math.image(math.expand(grey.value, batch, height, width, 3), grey, { channels: 3 })];
  },
};
