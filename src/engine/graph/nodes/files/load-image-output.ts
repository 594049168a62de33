/** LoadImageOutput: loads a picture of the output folder. */
import { file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { runLoadImage } from "../../run/loaded-image.ts";

export const LoadImageOutput: NodeClass = {
  name: "LoadImageOutput",
  category: "files",
  inputs: {
    image: file("output_image"),
  },
  outputs: ["IMAGE", "MASK"],
  run: runLoadImage,
};
