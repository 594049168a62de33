/** SplitImageWithAlpha: takes the transparency from a picture. */
import { withChannels } from "../../image/channels.ts";
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const SplitImageWithAlpha: NodeClass = {
  name: "SplitImageWithAlpha",
  category: "image",
  inputs: {
    image: link("IMAGE"),
  },
  outputs: ["IMAGE", "MASK"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    const alpha = math.asMask(withChannels(math, image, 4), 3);
    return [withChannels(math, image, 3), math.mask(math.sub(1, alpha.value), image)];
  },
};
