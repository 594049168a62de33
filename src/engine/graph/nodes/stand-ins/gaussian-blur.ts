/** GaussianBlur: blurs pictures by a radius in pixels. */
import { blurred, checkRadius, gaussian } from "../../image/blur.ts";
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { TORCH_DEVICE } from "../../torch-options.ts";

export const GaussianBlur: NodeClass = {
  name: "GaussianBlur",
  category: "image/filter",
  inputs: {
    images: link("IMAGE"),
    kernel_size: int({ default: 61, min: 1, step: 2 }),
    sigma: int({ default: 5, min: 1, step: 1 }),
    mode: TORCH_DEVICE,
  },
  outputs: ["IMAGE"],
  note: "Runs on the worker's device; mode is ignored.",
  /** `sigma` in pixels, over `kernel_size` pixels; the border mirrors the picture. */
  fragment(inputs, math) {
    const image = inputs.image("images");
    const size = inputs.number("kernel_size");
    if (size % 2 === 0) throw inputs.refusal("kernel_size", `is ${size}; it must be odd`);
    const radius = (size - 1) / 2;
    checkRadius(inputs, "kernel_size", radius, image);
    const places = Array.from({ length: size }, (_, at) => at - radius);
    return [blurred(math, image, gaussian(places, inputs.number("sigma")))];
  },
};
