/** Posterize: reduces each channel of pictures to a few levels. */
import { int, link } from "../../../src/engine/graph/input-declaration.ts";
import type { NodeClass } from "../../../src/engine/graph/node-class.ts";

export const Posterize: NodeClass = {
  name: "Posterize",
  category: "image/filter",
  inputs: {
    image: link("IMAGE"),
    levels: int({ default: 4, min: 2, max: 256 }),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const image = inputs.image("image");
    const steps = inputs.number("levels") - 1;
    const rounded = math.round(math.mul(math.clamp(image.value), steps));
    return [math.image(math.div(rounded, steps), image)];
  },
};
