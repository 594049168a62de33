/** Morphology: erodes and dilates pictures, and combines both. */
import { type Change, dilation, erosion } from "../../image/morphology.ts";
import { choice, int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

const OPERATIONS: Readonly<Record<string, (dilate: Change, erode: Change) => Change>> = {
  erode: (_, erode) => erode,
  dilate: (dilate) => dilate,
  open: (dilate, erode) => (math, x) => dilate(math, erode(math, x)),
  close: (dilate, erode) => (math, x) => erode(math, dilate(math, x)),
  gradient: (dilate, erode) => (math, x) => math.sub(dilate(math, x), erode(math, x)),
  top_hat: (dilate, erode) => (math, x) => math.sub(x, dilate(math, erode(math, x))),
  bottom_hat: (dilate, erode) => (math, x) => math.sub(erode(math, dilate(math, x)), x),
};

export const Morphology: NodeClass = {
  name: "Morphology",
  category: "image/filter",
  inputs: {
    image: link("IMAGE"),
    operation: choice(["erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat"]),
    kernel_size: int({ default: 3, min: 3, max: 999, step: 1 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    const operation = inputs.word("operation");
    const make = OPERATIONS[operation];
    if (make === undefined) throw inputs.refusal("operation", `is ${operation}: not known`);
    const size = inputs.number("kernel_size");
    const change = make(dilation(size), erosion(size));
    return [math.fromPlanes(change(math, math.toPlanes(image)), image)];
  },
};
