/** ImageScaleBy: resizes pictures by a factor. */
import { UPSCALE_METHODS } from "../../choices.ts";
import { scaledBy, stretched } from "../../image/stretch.ts";
import { choice, float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageScaleBy: NodeClass = {
  name: "ImageScaleBy",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
    upscale_method: choice(UPSCALE_METHODS),
    scale_by: float({ default: 1, min: 0.01, max: 8, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const to = scaledBy(inputs.image("image"), inputs.number("scale_by"));
    return [stretched(inputs, math, to)];
  },
};
