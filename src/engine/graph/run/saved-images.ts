/** Runs nodes that hand pictures to the stream or to the answer. */
import type { NodeRunner } from "./node-runner.ts";

export const saveImages: NodeRunner = (inputs, { emit }) => {
  emit({ kind: "images", node: inputs.node.id, images: inputs.link("images", "IMAGE") });
  return [];
};
