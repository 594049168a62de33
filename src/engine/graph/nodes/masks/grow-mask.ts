/** GrowMask: grows or shrinks a mask. */
import { diamond, dilation, least } from "../../image/morphology.ts";
import { int, link, toggle } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const GrowMask: NodeClass = {
  name: "GrowMask",
  category: "mask",
  inputs: {
    mask: link("MASK"),
    expand: int({ default: 0, min: -16384, max: 16384, step: 1 }),
    tapered_corners: toggle(true),
  },
  outputs: ["MASK"],
  /** Grows by squares, or by diamonds where corners are tapered; a negative number shrinks. */
  fragment(inputs, math) {
    const mask = inputs.mask("mask");
    const expand = inputs.number("expand");
    if (expand === 0) return [mask];
    // Beyond that, every sample has reached every other one.
    const radius = Math.min(Math.abs(expand), mask.width + mask.height);
    const grow = inputs.flag("tapered_corners") ? diamond(radius) : dilation(2 * radius + 1);
    const change = expand > 0 ? grow : least(grow);
    const image = math.asImage(mask);
    return [math.asMask(math.fromPlanes(change(math, math.toPlanes(image)), image))];
  },
};
