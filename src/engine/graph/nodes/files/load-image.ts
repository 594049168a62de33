/** LoadImage: loads a picture and its transparency. */
import { file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { runLoadImage } from "../../run/loaded-image.ts";

export const LoadImage: NodeClass = {
  name: "LoadImage",
  category: "files",
  inputs: {
    image: file("image"),
  },
  outputs: ["IMAGE", "MASK"],
  run: runLoadImage,
};
