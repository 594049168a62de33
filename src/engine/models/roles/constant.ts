/** The role `constant`: a value that never changes. */
import { Type } from "@sinclair/typebox";
import { countOf, edgeType, valuesOf } from "../tensor.ts";
import { describeTensor, type ElementType } from "../tensor-signature.ts";
import { dimensionsOf } from "./free-dimensions.ts";
import { type Port, role } from "./role.ts";

export interface ConstantPort extends Port {
  readonly dtype: ElementType;
  readonly dims: readonly number[];
  /** One number for all elements, or each of them in order. */
  readonly numbers: readonly number[];
}

export const constant = role({
  schema: Type.Object(
    {
      role: Type.Literal("constant"),
      /** One number for all elements, or a list of all of them in row-major order. */
      value: Type.Union([Type.Number(), Type.Array(Type.Number(), { minItems: 1 })]),
      /** Where the file leaves dimensions free; 1 each by default. */
      shape: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }))),
    },
    { additionalProperties: false },
  ),

  bind(binding): ConstantPort {
    const { entry, tensor, problem, batched } = binding;
    const { name, dtype } = tensor;
    if (dtype === null)
      problem("", `has role "constant", but the tensor is ${describeTensor(tensor)}`);
    const sides = dimensionsOf(binding, entry.shape).map((dim) => dim ?? 1);
    const numbers = [entry.value].flat();
    const count = countOf(sides);
    if (numbers.length !== 1 && numbers.length !== count) {
      problem("value", `has ${numbers.length} numbers; give 1 or ${count}`);
    }
    return {
      role: "constant",
      tensor: name,
      batched,
      dtype: dtype ?? "float32",
      dims: sides,
      numbers,
    };
  },

  attach({ tensor, dtype, dims, batched }, edge) {
    if (dtype !== "float16") return;
    const sides = dims.map((dim, at) => (batched && at === 0 ? edge.batch : dim));
    edge.replace(tensor, edge.before.cast(edge.feed(tensor, "float32", sides), "float16"));
  },

  feed({ tensor, dtype, dims, numbers }) {
    const [one = 0] = numbers;
    const all = numbers.length === 1 ? Array.from({ length: countOf(dims) }, () => one) : numbers;
    return { [tensor]: { dtype: edgeType(dtype), dims, data: valuesOf(dtype, all) } };
  },
});
