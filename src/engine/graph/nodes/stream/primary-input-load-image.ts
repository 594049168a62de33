/** PrimaryInputLoadImage: marks the picture that the video replaces. */
import { file } from "../../input-declaration.ts";
import type { NodeClass } from "../../node-class.ts";

export const PrimaryInputLoadImage: NodeClass = {
  name: "PrimaryInputLoadImage",
  category: "stream",
  inputs: { image: file("image") },
  outputs: ["IMAGE", "MASK"],
  isRewritten: true,
  note: "Marks the picture that the video replaces: in a stream it is LoadTensor.",
};
