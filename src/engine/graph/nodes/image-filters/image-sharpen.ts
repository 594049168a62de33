/** ImageSharpen: sharpens pictures. */
import {
  blurred,
  checkRadius,
  gaussian,
  kernelOf,
  MAX_WHOLE_RADIUS,
  relativePlaces,
  whole,
} from "../../image/blur.ts";
import { torchSum } from "../../image/torch-sum.ts";
import { float, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

const f = Math.fround;

export const ImageSharpen: NodeClass = {
  name: "ImageSharpen",
  category: "image/filter",
  inputs: {
    image: link("IMAGE"),
    sharpen_radius: int({ default: 1, min: 1, max: 31, step: 1 }),
    sigma: float({ default: 1, min: 0.1, max: 10, step: 0.01 }),
    alpha: float({ default: 1, min: 0, max: 5, step: 0.01 }),
  },
  outputs: ["IMAGE"],
  /** Adds 10 · alpha times what the blur takes away. */
  fragment(inputs, math) {
    const image = inputs.image("image");
    const radius = inputs.number("sharpen_radius");
    checkRadius(inputs, "sharpen_radius", radius, image);
    const sigma = inputs.number("sigma");
    const amount = inputs.number("alpha") * 10;
    if (radius <= MAX_WHOLE_RADIUS) {
      const sharp = whole(math, image, sharpened(kernelOf(radius, sigma), amount));
      return [math.image(math.clamp(sharp.value), image)];
    }
    const soft = blurred(math, image, gaussian(relativePlaces(radius), sigma));
    const sharp = math.sub(math.mul(image.value, 1 + amount), math.mul(soft.value, amount));
    return [math.image(math.clamp(sharp), image)];
  },
};

/** The kernel that adds `amount` times what the blur with this one takes away. */
function sharpened(blur: readonly number[], amount: number): number[] {
  const kernel = blur.map((weight) => f(weight * f(-amount)));
  const centre = (kernel.length - 1) / 2;
  kernel[centre] = f(f((kernel[centre] as number) - torchSum(kernel)) + 1);
  return kernel;
}
