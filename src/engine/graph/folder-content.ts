/** Checks whether a model folder that a graph names contains what the node needs. */

import { ROLES } from "../models/define-model.ts";
import type { ModelDefinition } from "../models/definition.ts";
import { type FileKind, isPlainFile } from "./input-declaration.ts";

/** What is known of a model folder. */
export type FolderContent =
  | { readonly kind: "network"; readonly definition: ModelDefinition }
  /** `files`: paths inside the folder. */
  | { readonly kind: "pipeline"; readonly files: readonly string[] }
  /** It is no model by itself, but may hold parts of a pipeline in `files`. `problem`: why it is no model. */
  | { readonly kind: "other"; readonly problem: string; readonly files: readonly string[] };

/**
 * The parts of a pipeline that loaders need by the kind of their input: of each list, one. Kinds that are not here need
 * a network.
 */
const PARTS: Readonly<Partial<Record<FileKind, readonly (readonly string[])[]>>> = {
  checkpoint: [["unet"], ["text_encoder"], ["vae_decoder"]],
  diffusion_model: [["unet"]],
  text_encoder: [["text_encoder"]],
  vae: [["vae_decoder", "vae_encoder"]],
  controlnet: [["controlnet"]],
};

/** What is wrong with a folder in this place: the predicate of a sentence; null if nothing is known to be. */
export function folderFault(kind: FileKind, content: FolderContent): string | null {
  if (isPlainFile(kind)) return null;
  const parts = PARTS[kind];
  if (parts === undefined) return networkFault(kind, content);
  if (content.kind === "network") return "is a single network, not a pipeline: OnnxModel runs it";
  const missing = parts
    .map((part) => part.map((one) => `${one}/model.onnx`))
    .find((files) => !files.some((file) => content.files.includes(file)));
  return missing === undefined
    ? null
    : `has no ${missing.join(" or ")}: export the whole pipeline, or name another`;
}

function networkFault(kind: FileKind, content: FolderContent): string | null {
  switch (content.kind) {
    case "network": {
      // Of a depth model the numbers are read, whatever its folder makes of them.
      const { inputs, outputs } = content.definition;
      return nodeFault({ inputs, outputs: kind === "depth_model" ? [] : outputs });
    }
    case "pipeline":
      return "is a pipeline: CheckpointLoaderSimple and the other loaders load its parts";
    case "other":
      return `cannot be used: ${content.problem}`;
    default:
      return content satisfies never;
  }
}

/** Why no node can run a network: the predicate of a sentence; null if one can. */
export function nodeFault({
  inputs,
  outputs,
}: Pick<ModelDefinition, "inputs" | "outputs">): string | null {
  if ([...inputs, ...outputs].some(({ role }) => isRecurrent(role))) {
    return "remembers earlier frames, which nodes do not: make it the model of the stream";
  }
  if (inputs.some(({ role }) => role === "from")) {
    return "needs the outputs of other models, which nodes do not give it: make it the model of the stream";
  }
  return null;
}

const isRecurrent = (role: string): boolean =>
  (ROLES.inputs[role] ?? ROLES.outputs[role])?.isRecurrent === true;
