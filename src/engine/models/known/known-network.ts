/** What the table of well-known networks records of one, and how a file's signature is compared with it. */
import type { ModelJson } from "../model-json.ts";
import type { GraphSignature, TensorSignature } from "../tensor-signature.ts";

/** A network that is recognised by its inputs and outputs, so that its ranges and roles are known and not guessed. */
export interface KnownNetwork {
  /** As its authors call it. */
  readonly name: string;
  /** True if a file of it ran here and its pictures were looked at; false: the entry follows its documentation. */
  readonly isTried: boolean;
  /** What a user should know or may want to change, each a sentence. */
  readonly notes?: readonly string[];
  /** @param file the file's name, for networks whose signature is shared by others */
  matches(signature: GraphSignature, file: string): boolean;
  /** Its `model.json` but for `file`. */
  describe(signature: GraphSignature): ModelJson;
}

/** Tensors by name, each as its type and dimensions: `float [*, 3, *, *]`. `*` stands for any dimension. */
type Pattern = Readonly<Record<string, string>>;

/**
 * True for a signature with exactly these inputs and outputs. The type `float` stands for every float; a
 * number in a pattern needs that number in the file, `free` a dimension that the file leaves free.
 */
export function hasPorts(
  { inputs, outputs }: GraphSignature,
  expected: { readonly inputs: Pattern; readonly outputs: Pattern },
): boolean {
  return haveNames(inputs, expected.inputs) && haveNames(outputs, expected.outputs);
}

function haveNames(tensors: readonly TensorSignature[], pattern: Pattern): boolean {
  if (tensors.length !== Object.keys(pattern).length) return false;
  return tensors.every((tensor) => {
    const expected = Object.hasOwn(pattern, tensor.name) ? pattern[tensor.name] : undefined;
    return expected !== undefined && isShaped(tensor, expected);
  });
}

/** True for a signature with these inputs and outputs in this order, whatever their names. */
export function hasShapes(
  { inputs, outputs }: GraphSignature,
  expected: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
): boolean {
  const fits = (tensors: readonly TensorSignature[], patterns: readonly string[]): boolean =>
    tensors.length === patterns.length &&
    tensors.every((tensor, at) => isShaped(tensor, patterns[at] ?? ""));
  return fits(inputs, expected.inputs) && fits(outputs, expected.outputs);
}

/** Compares one tensor with a pattern such as `float [*, 3, *, *]`. */
export function isShaped({ dtype, dims }: TensorSignature, pattern: string): boolean {
  const [, type, list = ""] = /^(\w+) \[(.*)\]$/.exec(pattern) ?? [];
  const hasType = type === "float" ? dtype?.startsWith("float") : dtype === type;
  if (!hasType || dims === null) return false;
  const wanted = list.split(",").map((each) => each.trim());
  if (wanted.length !== dims.length) return false;
  return dims.every((dim, at) => {
    const one = wanted[at];
    if (one === "*") return true;
    return one === "free" ? typeof dim === "string" : String(dim) === one;
  });
}

/** The mean and standard deviation of ImageNet, in RGB order, for pictures from 0 to 1. */
export const IMAGENET = {
  range: [0, 1],
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} as const;

/** The names of the first input and output. */
export function firstNames({ inputs, outputs }: GraphSignature): [string, string] {
  return [inputs[0]?.name ?? "", outputs[0]?.name ?? ""];
}
