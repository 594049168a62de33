/** FeatherMask: fades a mask towards its sides. */
import { COLUMNS, ROWS } from "../../image/image-math.ts";
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const FeatherMask: NodeClass = {
  name: "FeatherMask",
  category: "mask",
  inputs: {
    mask: link("MASK"),
    left: int({ default: 0, min: 0, max: 16384, step: 1 }),
    top: int({ default: 0, min: 0, max: 16384, step: 1 }),
    right: int({ default: 0, min: 0, max: 16384, step: 1 }),
    bottom: int({ default: 0, min: 0, max: 16384, step: 1 }),
  },
  outputs: ["MASK"],
  /**
   * Fades to 0 towards the sides. As in ComfyUI, the fade from the right starts at the first column, then takes those
   * before the last one (index −x); so does that from the bottom.
   */
  fragment(inputs, math) {
    const mask = inputs.mask("mask");
    const sides = [
      ["left", COLUMNS, 1],
      ["right", COLUMNS, -1],
      ["top", ROWS, 1],
      ["bottom", ROWS, -1],
    ] as const;
    const faded = sides.reduce((value, [side, axis, direction]) => {
      const length = axis === ROWS ? mask.height : mask.width;
      const width = Math.min(length, inputs.number(side));
      if (width === 0) return value;
      const rates = new Array<number>(length).fill(1);
      for (let at = 0; at < width; at++) {
        rates[(direction * at + length) % length] = (at + 1) / width;
      }
      return math.mul(value, math.along(axis, rates));
    }, math.asImage(mask).value);
    return [math.asMask(math.image(faded, { ...mask, channels: 1 }))];
  },
};
