/**
 * Adds pixel conversion and all else that roles need to a model's graph: whatever layout, range and element type the
 * model has, pictures enter and leave as uint8 RGB `[N, 3, height, width]`.
 */
import { toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema } from "onnx-buf";
import { WorkerError } from "../../errors.ts";
import { ROLES, type RoleTables } from "./define-model.ts";
import type { ModelDefinition } from "./definition.ts";
import { GraphEdge } from "./graph-edge.ts";
import { missingDomains } from "./operator-domains.ts";
import { signatureOf } from "./tensor-signature.ts";

/** A graph that is ready for a session. */
export interface AdaptedGraph {
  readonly bytes: Uint8Array;
  /** The names of inputs and outputs in the graph by the keys under which roles feed and read them. */
  readonly nameOf: (key: string) => string;
  /** Keys of all outputs. */
  readonly outputs: readonly string[];
}

/** The first operator set in which Min and Max broadcast. */
const LOWEST_OPSET = 8;
/** Masks and heat maps are resized to the video's size by Resize with sizes. */
const DRAWING_OPSET = 11;

/** Adapts `model` in place. Throws `model_failed` for a file without a graph, or with an operator set that is too old. */
export function adaptGraph(
  model: ModelProto,
  definition: ModelDefinition,
  roles: RoleTables = ROLES,
): AdaptedGraph {
  const { opset } = signatureOf(model);
  const { graph } = model;
  if (graph === undefined) throw new WorkerError("model_failed", "the ONNX file contains no graph");
  const draws = definition.outputs.some(({ role }) => roles.outputs[role]?.needsOriginal === true);
  const lowest = draws ? DRAWING_OPSET : LOWEST_OPSET;
  if (opset < lowest) {
    throw new WorkerError(
      "model_failed",
      `the model uses operator set ${opset}; ${lowest} or newer is needed: export it again with a newer one, ` +
        "or convert it with onnx.version_converter",
    );
  }
  const missing = missingDomains(model);
  if (missing.length > 0) {
    const problem = `it uses operators that this server does not have: ${missing.join("; ")}`;
    throw new WorkerError("model_failed", problem);
  }
  const edge = new GraphEdge(graph, opset, definition.batchable ? "N" : 1);
  for (const port of definition.inputs) roles.inputs[port.role]?.attach?.(port, edge);
  for (const port of definition.outputs) {
    const role = roles.outputs[port.role];
    if (role?.attach !== undefined) role.attach(port, edge);
    else edge.keep(port.tensor);
  }
  edge.apply();
  return {
    bytes: toBinary(ModelProtoSchema, model),
    nameOf: (key) => edge.nameOf(key),
    outputs: edge.outputKeys,
  };
}
