/** Builds graph signatures from text, as error messages name tensors: `image float32 [1, 3, h, w]`. */
import type {
  ElementType,
  GraphSignature,
  TensorSignature,
} from "../../src/engine/models/tensor-signature.ts";

export const signature = (
  inputs: readonly string[],
  outputs: readonly string[],
  metadata: Readonly<Record<string, string>> = {},
): GraphSignature => ({
  inputs: inputs.map(tensor),
  outputs: outputs.map(tensor),
  metadata: new Map(Object.entries(metadata)),
  opset: 17,
});

/** Throws for text of another form. */
function tensor(text: string): TensorSignature {
  const [, name, dtype, dims] = /^(.+) (\w+) \[(.*)\]$/.exec(text) ?? [];
  if (name === undefined || dims === undefined) throw new Error(`not a tensor: ${text}`);
  return {
    name,
    dtype: dtype as ElementType, // the tests write those that exist
    dims:
      dims === ""
        ? []
        : dims.split(",").map((dim) => (Number.isNaN(Number(dim)) ? dim.trim() : Number(dim))),
  };
}
