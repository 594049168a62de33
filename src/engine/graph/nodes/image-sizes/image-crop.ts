/** ImageCrop: cuts a rectangle out of pictures. */
import { int, link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const ImageCrop: NodeClass = {
  name: "ImageCrop",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
    width: int({ default: 512, min: 1, max: 16384, step: 1 }),
    height: int({ default: 512, min: 1, max: 16384, step: 1 }),
    x: int({ default: 0, min: 0, max: 16384, step: 1 }),
    y: int({ default: 0, min: 0, max: 16384, step: 1 }),
  },
  outputs: ["IMAGE"],
  /** Starts within the picture at the latest, and ends where the picture ends. */
  fragment(inputs, math) {
    const image = inputs.image("image");
    const x = Math.min(inputs.number("x"), image.width - 1);
    const y = Math.min(inputs.number("y"), image.height - 1);
    const right = Math.min(image.width, x + inputs.number("width"));
    const bottom = Math.min(image.height, y + inputs.number("height"));
    const cropped = math.window(image.value, [y, bottom], [x, right]);
    return [math.image(cropped, image, { width: right - x, height: bottom - y })];
  },
};
