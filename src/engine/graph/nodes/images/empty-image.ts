/** EmptyImage: makes pictures of one colour. */
import { int } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const EmptyImage: NodeClass = {
  name: "EmptyImage",
  category: "image",
  inputs: {
    width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    height: int({ default: 512, min: 1, max: 16384, step: 1 }),
    batch_size: int({ default: 1, min: 1, max: 4096 }),
    color: int({ default: 0, min: 0, max: 16777215, step: 1 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const colour = inputs.number("color");
    const shape = {
      batch: inputs.number("batch_size"),
      height: inputs.number("height"),
      width: inputs.number("width"),
      channels: 3,
    };
    return [math.filled(shape, ...[16, 8, 0].map((shift) => ((colour >> shift) & 0xff) / 0xff))];
  },
};
