/** GetImageSize: gives the size of pictures and how many there are. */
import { link } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const GetImageSize: NodeClass = {
  name: "GetImageSize",
  category: "image/size",
  inputs: {
    image: link("IMAGE"),
  },
  outputs: ["INT", "INT", "INT"],
  outputNames: ["width", "height", "batch_size"],
  fragment(inputs) {
    const { width, height, batch } = inputs.image("image");
    return [width, height, batch].map((value) => ({ kind: "plain", value }));
  },
};
