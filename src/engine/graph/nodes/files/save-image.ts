/** SaveImage: outputs pictures. */
import { link, text } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { saveImages } from "../../run/saved-images.ts";

export const SaveImage: NodeClass = {
  name: "SaveImage",
  category: "files",
  inputs: {
    images: link("IMAGE"),
    filename_prefix: text("ComfyUI"),
  },
  outputs: [],
  isOutput: true,
  gives: "pictures",
  run: saveImages,
};
