/** ImageFlip: mirrors pictures. */
import { FLIPS } from "../../choices.ts";
import { COLUMNS, ROWS } from "../../image/image-math.ts";
import { choice, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageFlip: NodeClass = {
  name: "ImageFlip",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
    flip_method: choice(FLIPS),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    const axis = inputs.word("flip_method").startsWith("x") ? ROWS : COLUMNS;
    return [math.image(math.reversed(image.value, axis), image)];
  },
};
