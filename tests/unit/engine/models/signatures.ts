/** Signatures of graphs as an ONNX file would state them, for tests that need no file. */
import type {
  GraphSignature,
  TensorSignature,
} from "../../../../src/engine/models/tensor-signature.ts";

export const tensor = (
  name: string,
  dims: TensorSignature["dims"],
  dtype: TensorSignature["dtype"] = "float32",
): TensorSignature => ({ name, dims, dtype });

/** Takes and gives pictures of any number and size. */
export const PICTURE = tensor("x", ["N", 3, "H", "W"]);

export const signature = (
  inputs: readonly TensorSignature[] = [PICTURE],
  outputs: readonly TensorSignature[] = [tensor("y", ["N", 3, "H", "W"])],
  metadata: Readonly<Record<string, string>> = {},
): GraphSignature => ({ inputs, outputs, metadata: new Map(Object.entries(metadata)), opset: 17 });
