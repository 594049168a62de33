/** ImageRotate: turns pictures by quarters. */
import { ROTATIONS } from "../../choices.ts";
import { COLUMNS, ROWS } from "../../image/image-math.ts";
import { choice, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

const QUARTERS: Readonly<Record<string, number>> = {
  "90 degrees": 1,
  "180 degrees": 2,
  "270 degrees": 3,
};

export const ImageRotate: NodeClass = {
  name: "ImageRotate",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
    rotation: choice(ROTATIONS),
  },
  outputs: ["IMAGE"],
  /** Clockwise. */
  fragment(inputs, math) {
    const image = inputs.image("image");
    const quarters = QUARTERS[inputs.word("rotation")] ?? 0;
    if (quarters === 0) return [image];
    if (quarters === 2) {
      const upsideDown = math.reversed(math.reversed(image.value, ROWS), COLUMNS);
      return [math.image(upsideDown, image)];
    }
    const turned = math.reversed(
      math.graph.transpose(image.value, 0, 2, 1, 3),
      quarters === 1 ? COLUMNS : ROWS,
    );
    return [math.image(turned, image, { width: image.height, height: image.width })];
  },
};
