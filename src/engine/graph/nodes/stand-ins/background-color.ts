/** BackgroundColor: gives a plain picture of the size of another. */
import { choice, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

const COLOURS: Readonly<Record<string, readonly number[]>> = {
  black: [0, 0, 0],
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
};

export const BackgroundColor: NodeClass = {
  name: "BackgroundColor",
  category: "image",
  inputs: {
    images: link("IMAGE"),
    color: choice(["black", "red", "blue", "green"], "black"),
  },
  outputs: ["IMAGE"],
  fragment(inputs, math) {
    const colour = inputs.word("color");
    const image = inputs.image("images");
    const levels = COLOURS[colour];
    if (levels === undefined) throw inputs.refusal("color", `is ${colour}, which is not known`);
    return [math.filled({ ...image, channels: 3 }, ...levels)];
  },
};
