/** Inputs with `from`: an output of another model, which runs again only when its own inputs change. */
import { Type } from "@sinclair/typebox";
import { edgeType, filled } from "../tensor.ts";
import { describeTensor, type ElementType } from "../tensor-signature.ts";
import { type Port, role } from "./role.ts";

export interface UpstreamPort extends Port {
  readonly role: "from";
  readonly source: { readonly model: string; readonly output: string };
  readonly dtype: ElementType;
  /** With 1 for dimensions that the file leaves free. */
  readonly dims: readonly number[];
}

/** The ports of a model that other models feed. */
export const upstreamPorts = (inputs: readonly Port[]): UpstreamPort[] =>
  inputs.filter((port): port is UpstreamPort => port.role === "from");

export const upstream = role({
  schema: Type.Object(
    {
      role: Type.Literal("from"),
      from: Type.Object(
        { model: Type.String({ minLength: 1 }), output: Type.String({ minLength: 1 }) },
        { additionalProperties: false },
      ),
    },
    { additionalProperties: false },
  ),

  bind({ entry, tensor, problem, batched }): UpstreamPort {
    const { name, dtype, dims } = tensor;
    if ((dtype !== "float32" && dtype !== "float16") || dims === null) {
      problem("from", `needs floats of known rank, but the tensor is ${describeTensor(tensor)}`);
    }
    return {
      role: "from",
      tensor: name,
      batched,
      source: entry.from,
      dtype: dtype ?? "float32",
      dims: (dims ?? []).map((dim) => (typeof dim === "number" ? dim : 1)),
    };
  },

  attach({ tensor, dtype, dims }, edge) {
    if (dtype !== "float16") return;
    const sides = dims.map((_, at) => `${tensor} ${at}`);
    edge.replace(tensor, edge.before.cast(edge.feed(tensor, "float32", sides), "float16"));
  },

  value: ({ source, dtype, dims }, moment) =>
    moment.upstream(source.model, source.output) ?? filled(dtype, dims, 0),

  feed({ tensor, dtype }, { values }) {
    const value = values[tensor];
    if (typeof value !== "object" || !("dtype" in value)) {
      throw new Error(`no value for ${JSON.stringify(tensor)}`);
    }
    return { [tensor]: { ...value, dtype: edgeType(dtype) } };
  },
});
