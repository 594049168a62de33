/** ImageInvert: inverts the colours of pictures. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageInvert: NodeClass = {
  name: "ImageInvert",
  category: "image/filter",
  inputs: {
    image: link("IMAGE"),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    return [math.image(math.sub(1, image.value), image)];
  },
};
