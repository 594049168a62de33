/** PreviewImage: outputs pictures to be shown. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { saveImages } from "../../run/saved-images.ts";

export const PreviewImage: NodeClass = {
  name: "PreviewImage",
  category: "files",
  inputs: {
    images: link("IMAGE"),
  },
  outputs: [],
  isOutput: true,
  gives: "pictures",
  run: saveImages,
};
