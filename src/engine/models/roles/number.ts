/** Tensors of one element, of whatever type: how roles that feed one number check, declare and feed them. */
import type { GraphEdge } from "../graph-edge.ts";
import { edgeType, type Tensor, valuesOf } from "../tensor.ts";
import { describeTensor, type ElementType, type TensorSignature } from "../tensor-signature.ts";
import type { Binding, Feeds, Port, RunItem } from "./role.ts";

export interface NumberPort extends Port {
  readonly dtype: ElementType;
  readonly rank: number;
}

/** True for tensors of one number, whatever their rank; free dimensions are 1, or that of the batch. */
export const holdsNumber = ({ dtype, dims }: TensorSignature): boolean =>
  dtype !== null && (dims?.every((dim) => dim === 1 || typeof dim === "string") ?? false);

/** Reports tensors that hold more than one number. */
export function bindNumber({
  tensor,
  entry,
  problem,
  batched,
}: Pick<Binding<{ role: string }>, "tensor" | "entry" | "problem" | "batched">): NumberPort {
  const { name, dtype, dims } = tensor;
  if (!holdsNumber(tensor)) {
    problem(
      "",
      `has role "${entry.role}", which needs one number, but the tensor is ${describeTensor(tensor)}`,
    );
  }
  return {
    role: entry.role,
    tensor: name,
    batched,
    dtype: dtype ?? "float32",
    rank: dims?.length ?? 0,
  };
}

/** Numbers of half precision enter as float32. */
export function attachNumber(port: NumberPort, edge: GraphEdge): void {
  const { tensor, dtype, rank } = port;
  if (dtype !== "float16") return;
  const dims = Array.from({ length: rank }, (_, at) => (at === 0 ? edge.batchOf(port) : 1));
  edge.replace(tensor, edge.before.cast(edge.feed(tensor, "float32", dims), "float16"));
}

export function feedNumber(port: NumberPort, { values }: RunItem): Feeds {
  const { tensor } = port;
  const number = values[tensor];
  if (typeof number !== "number") throw new Error(`no value for ${JSON.stringify(tensor)}`);
  return { [tensor]: numberTensor(port, number) };
}

const numberTensor = ({ dtype, rank }: NumberPort, number: number): Tensor => ({
  dtype: edgeType(dtype),
  dims: Array.from({ length: rank }, () => 1),
  data: valuesOf(dtype, [number]),
});
