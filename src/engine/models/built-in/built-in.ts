/** A built-in model: its description, its signature, and the code that generates its graph. */
import { OPSET } from "../graph-builder.ts";
import type { ModelJson } from "../model-json.ts";
import type { GraphSignature, TensorSignature } from "../tensor-signature.ts";

export interface BuiltIn {
  /** The content of its `model.json`. */
  readonly json: ModelJson & { readonly file: string };
  /** Inputs and outputs of the graph. Written down here because building all graphs takes 0.2 s of an engine's start. */
  readonly signature: GraphSignature;
  /** The bytes of its ONNX file, the same on every call. */
  graph(): Uint8Array<ArrayBuffer>;
}

/** Element type and dimensions of a tensor. */
export type TensorType = Pick<TensorSignature, "dtype" | "dims">;

/** RGB of any size. */
export const PICTURE: TensorType = { dtype: "uint8", dims: [1, 3, "height", "width"] };
/** A whole number. */
export const INTEGER: TensorType = { dtype: "int64", dims: [] };
/** A number. */
export const NUMBER: TensorType = { dtype: "float32", dims: [] };
/** A number that grows with time: in single precision it would soon advance in steps. */
export const SUM: TensorType = { dtype: "float64", dims: [] };

/** The signature of a graph that draws: its inputs by name, in the order in which they are declared. */
export function drawing(inputs: Readonly<Record<string, TensorType>>): GraphSignature {
  return {
    inputs: Object.entries(inputs).map(([name, type]) => ({ name, ...type })),
    outputs: [{ name: "image", ...PICTURE }],
    metadata: new Map(),
    opset: OPSET,
  };
}
