/** CropMask: cuts a rectangle out of a mask. */
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const CropMask: NodeClass = {
  name: "CropMask",
  category: "mask",
  inputs: {
    mask: link("MASK"),
    x: int({ default: 0, min: 0, max: 16384, step: 1 }),
    y: int({ default: 0, min: 0, max: 16384, step: 1 }),
    width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    height: int({ default: 512, min: 1, max: 16384, step: 1 }),
  },
  outputs: ["MASK"],
  fragment(inputs, math) {
    const mask = inputs.mask("mask");
    const [x, y] = [inputs.number("x"), inputs.number("y")];
    const right = Math.min(mask.width, x + inputs.number("width"));
    const bottom = Math.min(mask.height, y + inputs.number("height"));
    if (x >= right || y >= bottom) {
      const size = `${mask.width}x${mask.height}`;
      throw inputs.refusal(x >= right ? "x" : "y", `lies beyond the mask, which is ${size}`);
    }
    const cropped = math.window(mask.value, [y, bottom], [x, right]);
    return [math.mask(cropped, mask, { width: right - x, height: bottom - y })];
  },
};
