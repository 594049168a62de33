/** SaveTensor: gives the picture of the stream. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";
import { saveImages } from "../../run/saved-images.ts";

export const SaveTensor: NodeClass = {
  name: "SaveTensor",
  category: "stream",
  inputs: { images: link("IMAGE") },
  outputs: [],
  isOutput: true,
  gives: "pictures",
  note: "Its picture is the stream's next frame.",
  run: saveImages,
};
