/** Describes the program that runs ComfyUI graphs as a model with ports: it takes the video, and the graphs as prompts. */
import { defineModel } from "./define-model.ts";
import type { ModelDefinition } from "./definition.ts";
import type { GraphSignature } from "./tensor-signature.ts";

const SIGNATURE: GraphSignature = {
  inputs: [
    { name: "image", dtype: "uint8", dims: [1, 3, "height", "width"] },
    { name: "prompts", dtype: null, dims: null },
  ],
  outputs: [{ name: "picture", dtype: "uint8", dims: [1, 3, "height", "width"] }],
  metadata: new Map(),
  opset: 0,
};

/** The definition under a name: of the model that requests know, or of one that holds the models of certain graphs. */
export function defineGraphs(name: string): ModelDefinition {
  const definition = defineModel(
    name,
    {
      description: "Runs ComfyUI graphs in API format, which come as prompts",
      inputs: { image: { role: "frame", optional: true }, prompts: { role: "prompts" } },
    },
    SIGNATURE,
  );
  return { ...definition, batchable: false };
}
