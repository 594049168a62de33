/** Describes the diffusion program of a folder as a model with ports: what callers may set, and what it does with video. */
import { defineModel } from "./define-model.ts";
import type { ModelDefinition } from "./definition.ts";
import type { ModelJson, PortEntry } from "./model-json.ts";
import type { GraphSignature, TensorSignature } from "./tensor-signature.ts";

/** The ports of every diffusion program. They are no tensors of a graph: the program reads their values. */
const PORTS: Readonly<
  Record<string, readonly [TensorSignature["dtype"], TensorSignature["dims"], PortEntry]>
> = {
  image: ["uint8", [1, 3, "height", "width"], { role: "frame", optional: true, multiple_of: 8 }],
  prompts: [null, null, { role: "prompts" }],
  seed: ["int64", [], { role: "seed" }],
  steps: [
    "int64",
    [],
    {
      role: "param",
      default: 1,
      min: 1,
      max: 50,
      description: "Denoising steps: more take longer",
    },
  ],
  strength: [
    "float32",
    [],
    {
      role: "param",
      default: 0.6,
      min: 0,
      max: 1,
      description: "How much of the video is replaced: 0 keeps it, 1 ignores it",
    },
  ],
  guidance: [
    "float32",
    [],
    {
      role: "param",
      default: 1,
      min: 0,
      max: 30,
      description: "How closely the prompt is followed; above 1 each step takes twice as long",
    },
  ],
};

const SIGNATURE: GraphSignature = {
  inputs: Object.entries(PORTS).map(([name, [dtype, dims]]) => ({ name, dtype, dims })),
  outputs: [{ name: "picture", dtype: "uint8", dims: [1, 3, "height", "width"] }],
  metadata: new Map(),
  opset: 0,
};

/** The definition of the program in `folder`; its `model.json`, where there is one, changes entries of the ports. */
export function defineDiffusion(name: string, json: ModelJson, folder: string): ModelDefinition {
  const entries = Object.entries(PORTS).map(([port, [, , entry]]) => {
    const own = json.inputs?.[port] ?? {};
    return [port, { ...entry, ...own }] as const;
  });
  const inputs = { ...json.inputs, ...Object.fromEntries(entries) };
  const definition = defineModel(name, { ...json, inputs }, SIGNATURE, folder);
  return { ...definition, batchable: false };
}
