/** Binds one port of a model whose other ports are beyond doubt, and tells what is wrong with it. */
import { defineModel } from "../../../../../src/engine/models/define-model.ts";
import type { ModelDefinition } from "../../../../../src/engine/models/definition.ts";
import type { ModelJson, PortEntry } from "../../../../../src/engine/models/model-json.ts";
import type { Port } from "../../../../../src/engine/models/roles/role.ts";
import type { GraphSignature } from "../../../../../src/engine/models/tensor-signature.ts";
import { WorkerError } from "../../../../../src/errors.ts";
import { signature } from "../../../../support/signature.ts";

const FRAME = "frame float32 [N, 3, H, W]";
const IMAGE = "image float32 [N, 3, H, W]";

/** The definition of a model with this input beside its frame. `tensor` as messages name it: `k float32 [1]`. */
export const withInput = (entry: PortEntry, tensor: string): ModelDefinition =>
  defineModel("m", { inputs: { [nameOf(tensor)]: entry } }, signature([FRAME, tensor], [IMAGE]));

/** The same for an output, which is the only one. */
export const withOutput = (entry: PortEntry, tensor: string): ModelDefinition =>
  defineModel("m", { outputs: { [nameOf(tensor)]: entry } }, signature([FRAME], [tensor]));

export function inputPort(entry: PortEntry, tensor: string): Port {
  return portOf(withInput(entry, tensor).inputs, tensor);
}

export function outputPort(entry: PortEntry, tensor: string): Port {
  return portOf(withOutput(entry, tensor).outputs, tensor);
}

/** `field problem` for each problem of a model that is refused; empty for one that is accepted. */
export function problemsOf(json: ModelJson, graph: GraphSignature): string[] {
  return refusal(() => defineModel("m", json, graph));
}

/** As `problemsOf`, without the tensor's own path. */
export const inputProblems = (entry: PortEntry, tensor: string): string[] =>
  refusal(() => withInput(entry, tensor)).map((each) =>
    each.replace(/^inputs\.\w+\.?/, "").trimStart(),
  );

export const outputProblems = (entry: PortEntry, tensor: string): string[] =>
  refusal(() => withOutput(entry, tensor)).map((each) =>
    each.replace(/^outputs\.\w+\.?/, "").trimStart(),
  );

function refusal(define: () => ModelDefinition): string[] {
  try {
    define();
    return [];
  } catch (error) {
    if (!(error instanceof WorkerError) || error.kind !== "model_failed") throw error;
    return error.details.map(({ field, problem }) => `${field} ${problem}`);
  }
}

function portOf(ports: readonly Port[], tensor: string): Port {
  const found = ports.find((port) => port.tensor === nameOf(tensor));
  if (found === undefined) throw new Error(`no port of ${tensor}`);
  return found;
}

const nameOf = (tensor: string): string => tensor.split(" ", 1)[0] ?? "";
