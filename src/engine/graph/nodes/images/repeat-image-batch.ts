/** RepeatImageBatch: repeats a batch of pictures. */
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const RepeatImageBatch: NodeClass = {
  name: "RepeatImageBatch",
  category: "image",
  inputs: {
    image: link("IMAGE"),
    amount: int({ default: 1, min: 1, max: 4096 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    const amount = inputs.number("amount");
    const repeated = math.graph.node("Tile", [image.value, math.ints(amount, 1, 1, 1)]);
    return [math.image(repeated, image, { batch: image.batch * amount })];
  },
};
