/** Completes the shapes of tensors whose files leave dimensions free. */
import { describeTensor } from "../tensor-signature.ts";
import type { Binding } from "./role.ts";

/**
 * The tensor's dimensions; those that the file leaves free are `shape`'s, else null. Empty for an unknown rank without
 * `shape`. Reports a shape that contradicts the file.
 */
export function dimensionsOf(
  { tensor, problem }: Pick<Binding<unknown>, "tensor" | "problem">,
  shape: readonly number[] | undefined,
): (number | null)[] {
  const { dims } = tensor;
  if (dims === null) return [...(shape ?? [])];
  if (shape !== undefined && shape.length !== dims.length) {
    problem("shape", `has ${shape.length} dimensions but the tensor is ${describeTensor(tensor)}`);
  } else if (shape?.some((side, at) => typeof dims[at] === "number" && dims[at] !== side)) {
    const given = shape.join(", ");
    problem("shape", `is [${given}], which the file does not allow: ${describeTensor(tensor)}`);
  }
  return dims.map((dim, at) => (typeof dim === "number" ? dim : (shape?.[at] ?? null)));
}
