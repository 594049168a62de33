/** ImageBlur: blurs pictures. */
import {
  blurred,
  checkRadius,
  gaussian,
  kernelOf,
  MAX_WHOLE_RADIUS,
  relativePlaces,
  whole,
} from "../../image/blur.ts";
import { float, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageBlur: NodeClass = {
  name: "ImageBlur",
  category: "image/filter",
  inputs: {
    image: link("IMAGE"),
    blur_radius: int({ default: 1, min: 1, max: 31, step: 1 }),
    sigma: float({ default: 1, min: 0.1, max: 10, step: 0.1 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    const radius = inputs.number("blur_radius");
    checkRadius(inputs, "blur_radius", radius, image);
    const sigma = inputs.number("sigma");
    return radius <= MAX_WHOLE_RADIUS
      ? [whole(math, image, kernelOf(radius, sigma))]
      : [blurred(math, image, gaussian(relativePlaces(radius), sigma))];
  },
};
