/** Float tensors that are fed as they are: how roles that feed a list of numbers check, declare and feed them. */
import type { GraphEdge } from "../graph-edge.ts";
import type { Tensor } from "../tensor.ts";
import { describeTensor, type ElementType } from "../tensor-signature.ts";
import type { Binding, Feeds, Port, RunItem } from "./role.ts";

export interface ListPort extends Port {
  readonly dtype: ElementType;
  readonly dims: readonly number[];
}

/**
 * Reports tensors of other types, and with more than one dimension that is not 1. A free last dimension gets `length`, which
 * the vector's entries give.
 */
export function bindList(
  {
    tensor,
    entry,
    problem,
    batched,
  }: Pick<Binding<{ role: string }>, "tensor" | "entry" | "problem" | "batched">,
  length: number | null,
): ListPort {
  const { name, dtype, dims } = tensor;
  const isFloat = dtype === "float32" || dtype === "float16";
  const sides = (dims ?? []).map((dim, at) => {
    if (typeof dim === "number") return dim;
    return at === (dims ?? []).length - 1 ? (length ?? 0) : 1;
  });
  const count = sides.reduce((product, dim) => product * dim, 1);
  const longest = Math.max(1, ...sides);
  if (isFloat && count === 0) {
    const given = describeTensor(tensor);
    problem("entries", `must name every number, as the file leaves their count free: ${given}`);
  } else if (
    !isFloat ||
    dims === null ||
    count !== longest ||
    (length !== null && count !== length)
  ) {
    const needed = length === null ? "a list of floats" : `float32 [${length}]`;
    const given = describeTensor(tensor);
    problem("", `has role "${entry.role}", which needs ${needed}, but the tensor is ${given}`);
  }
  // A list whose only dimension is free has a count that happens to be called as the batch.
  const isBatched = batched && sides.length > 1;
  return {
    role: entry.role,
    tensor: name,
    batched: isBatched,
    dtype: dtype ?? "float32",
    dims: sides,
  };
}

/** Lists of half precision enter as float32. */
export function attachList({ tensor, dtype, dims, batched }: ListPort, edge: GraphEdge): void {
  if (dtype !== "float16") return;
  const sides = dims.map((dim, at) => (batched && at === 0 ? edge.batch : dim));
  edge.replace(tensor, edge.before.cast(edge.feed(tensor, "float32", sides), "float16"));
}

export function feedList({ tensor, dims }: ListPort, { values }: RunItem): Feeds {
  const value = values[tensor];
  if (typeof value !== "object" || !("dtype" in value)) {
    throw new Error(`no value for ${JSON.stringify(tensor)}`);
  }
  return { [tensor]: { ...value, dims } };
}

/** As a float32 tensor. */
export const listTensor = (numbers: ArrayLike<number>): Tensor => ({
  dtype: "float32",
  dims: [numbers.length],
  data: Float32Array.from(numbers),
});
