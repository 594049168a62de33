/** ImageScaleToTotalPixels: resizes pictures to a number of pixels. */
import { UPSCALE_METHODS } from "../../choices.ts";
import { scaledBy, stretched } from "../../image/stretch.ts";
import { choice, float, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageScaleToTotalPixels: NodeClass = {
  name: "ImageScaleToTotalPixels",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
    upscale_method: choice(UPSCALE_METHODS),
    megapixels: float({ default: 1, min: 0.01, max: 16, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    const pixels = Math.trunc(inputs.number("megapixels") * 1024 * 1024);
    const to = scaledBy(image, Math.sqrt(pixels / (image.width * image.height)));
    return [stretched(inputs, math, to)];
  },
};
