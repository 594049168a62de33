/** ImageFromBatch: takes some pictures out of a batch. */
import { BATCH } from "../../image/image-math.ts";
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageFromBatch: NodeClass = {
  name: "ImageFromBatch",
  category: "image",
  inputs: {
    image: link("IMAGE"),
    batch_index: int({ default: 0, min: 0, max: 4095 }),
    length: int({ default: 1, min: 1, max: 4096 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    const first = Math.min(image.batch - 1, inputs.number("batch_index"));
    const length = Math.min(image.batch - first, inputs.number("length"));
    const taken = math.slice(image.value, BATCH, first, first + length);
    return [math.image(taken, image, { batch: length })];
  },
};
