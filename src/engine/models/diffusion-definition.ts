/** Describes the diffusion program of a folder as a model with ports: what callers may set, and what it does with video. */
import type { PipelineAbilities } from "../diffusion/pipeline-abilities.ts";
import { defineModel } from "./define-model.ts";
import type { ModelDefinition } from "./definition.ts";
import { diffusionPorts } from "./diffusion-ports.ts";
import type { ModelJson, PortEntry } from "./model-json.ts";
import type { GraphSignature } from "./tensor-signature.ts";

/** What the ports of the program have by themselves: see `parseModelJson`. */
export const diffusionEntries = (abilities: PipelineAbilities): Record<string, PortEntry> =>
  Object.fromEntries(
    Object.entries(diffusionPorts(abilities)).map(([port, { entry }]) => [port, entry]),
  );

/** The definition of the program in `folder`; its `model.json`, where there is one, changes entries of the ports. */
export function defineDiffusion(
  name: string,
  json: ModelJson,
  folder: string,
  abilities: PipelineAbilities,
): ModelDefinition {
  const ports = Object.entries(diffusionPorts(abilities));
  const signature: GraphSignature = {
    inputs: ports.map(([port, { dtype, dims }]) => ({ name: port, dtype, dims })),
    outputs: [{ name: "picture", dtype: "uint8", dims: [1, 3, "height", "width"] }],
    metadata: new Map(),
    opset: 0,
  };
  const entries = ports.map(([port, { entry }]) => [port, { ...entry, ...json.inputs?.[port] }]);
  const inputs = { ...json.inputs, ...Object.fromEntries(entries) };
  const definition = defineModel(name, { ...json, inputs }, signature, folder);
  const video = abilities.encodesVideo ? definition.video : "none";
  return { ...definition, video, batchable: false };
}
