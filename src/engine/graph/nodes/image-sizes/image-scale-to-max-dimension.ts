/** ImageScaleToMaxDimension: resizes pictures by their longer side. */
import { roundHalfToEven } from "../../../diffusion/schedule/python-numbers.ts";
import { stretched } from "../../image/stretch.ts";
import { choice, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageScaleToMaxDimension: NodeClass = {
  name: "ImageScaleToMaxDimension",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
    upscale_method: choice(["area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic"]),
    largest_size: int({ default: 512, min: 0, max: 16384, step: 1 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const { width, height } = inputs.image("image");
    const largest = inputs.number("largest_size");
    const to = {
      width: height > width ? roundHalfToEven((width / height) * largest) : largest,
      height: width > height ? roundHalfToEven((height / width) * largest) : largest,
    };
    return [stretched(inputs, math, to)];
  },
};
