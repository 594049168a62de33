/** Reads the graph of a model for adaptation. Used in workers: a large file blocks no other thread. */
import { realpath } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { ModelProto } from "onnx-buf";
import type { GraphUse } from "../protocol/work.ts";
import { MAX_ONNX_BYTES, readOnnxSkeleton } from "./onnx-outline.ts";
import { readRegularFile } from "./regular-file.ts";
import { parseGraph } from "./tensor-signature.ts";

/** Where a graph is: in an ONNX file, or in the code of a built-in model. */
export type GraphSource = { readonly path: string } | { readonly builtIn: string };

/** ComfyUI graphs, and where the models and files are that they name. */
export interface ComfyGraphs {
  /** As JSON: what is drawn by runs that bring none, such as the warm-up. */
  readonly graphs: readonly string[];
  readonly kind: GraphUse["kind"];
  /** Folders by name. */
  readonly models: Readonly<Record<string, string>>;
  readonly workspace: string;
}

/** Where a program is: one graph, the folder of a diffusion pipeline, or what ComfyUI graphs need. */
export type ProgramSource =
  | GraphSource
  | { readonly pipeline: string }
  | { readonly comfy: ComfyGraphs };

/** A parsed model, and the folder in which ONNX Runtime finds weights that are not in it. */
export interface ModelSource {
  readonly model: ModelProto;
  /** Null: everything is in the model. */
  readonly folder: string | null;
}

/**
 * Weights of larger files stay in the file, from where ONNX Runtime maps them into memory: nothing of 2 GB is copied or
 * serialised again. Smaller files are read whole, so that they may be overwritten while the model runs.
 */
const MAX_WHOLE_BYTES = 64 * 2 ** 20;

/** Throws `model_failed` for a file that cannot be read or is not ONNX. */
export async function readModelSource(
  source: GraphSource,
  maxWholeBytes = MAX_WHOLE_BYTES,
): Promise<ModelSource> {
  if ("builtIn" in source) return { model: await builtInGraph(source.builtIn), folder: null };
  const label = basename(source.path);
  // ONNX Runtime refuses weights outside the folder of the model, so that a link must be resolved.
  const path = await realpath(source.path).catch(() => source.path);
  const folder = dirname(path);
  if (Bun.file(path).size > maxWholeBytes) {
    return { model: await readOnnxSkeleton(path, label, basename(path)), folder };
  }
  return { model: parseGraph(await readRegularFile(path, label, MAX_ONNX_BYTES)), folder };
}

async function builtInGraph(name: string): Promise<ModelProto> {
  const { BUILT_INS } = await import("./built-in.ts"); // other models do without their code
  const model = BUILT_INS[name];
  if (model === undefined) throw new Error(`${name} is not a built-in model`);
  return parseGraph(model.graph());
}
