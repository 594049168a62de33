/** The role `data` of outputs: numbers for the data channel, and for other models that name this output. */
import { Type } from "@sinclair/typebox";
import { literals } from "../../../schema.ts";
import type { SwitchParam } from "../../protocol/models.ts";
import { value } from "../graph-builder.ts";
import { describeTensor, type ElementType } from "../tensor-signature.ts";
import { type Port, role } from "./role.ts";

export interface DataOutputPort extends Port {
  readonly role: "data";
  readonly dtype: ElementType;
  readonly activation: "none" | "sigmoid" | "softmax";
  /** Names of the numbers along the last dimension; empty where they have none. */
  readonly labels: readonly string[];
  /** Numbers that are reported at most. */
  readonly limit: number;
}

/** Whether the data is written into the picture as well. */
export const SHOW_DATA: SwitchParam = {
  type: "switch",
  name: "show_data",
  default: false,
  description: "Writes the data into the picture",
};

/** Numbers that an output reports unless it says otherwise. */
const LIMIT = 1024;

export const dataOutput = role({
  schema: Type.Object(
    {
      role: Type.Literal("data"),
      labels: Type.Optional(Type.Array(Type.String())),
      /** Makes probabilities of raw scores; softmax is over the last dimension. */
      activation: Type.Optional(literals(["none", "sigmoid", "softmax"])),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096 })),
    },
    { additionalProperties: false },
  ),

  bind({ entry, tensor, problem, batched }): DataOutputPort {
    const { name, dtype, dims } = tensor;
    if (dtype === null) problem("", `has role "data", but the tensor is ${describeTensor(tensor)}`);
    const labels = entry.labels ?? [];
    const last = dims?.at(-1);
    if (labels.length > 0 && typeof last === "number" && labels.length !== last) {
      problem("labels", `names ${labels.length} of ${last} numbers: ${describeTensor(tensor)}`);
    }
    const activation = entry.activation ?? "none";
    const limit = entry.limit ?? LIMIT;
    return {
      role: "data",
      tensor: name,
      batched,
      dtype: dtype ?? "float32",
      labels,
      limit,
      activation,
    };
  },

  params: () => [SHOW_DATA],

  attach({ tensor, dtype, activation }, edge) {
    if (dtype === "float32" && activation === "none") return edge.keep(tensor);
    const graph = edge.after;
    const floats = dtype === "float32" ? value(tensor) : graph.cast(value(tensor), "float32");
    const last = activation === "softmax" ? graph.node("Softmax", [floats], { axis: -1n }) : floats;
    const scores = activation === "sigmoid" ? graph.node("Sigmoid", [last]) : last;
    edge.output(tensor, scores, "float32", null);
  },

  read({ tensor }, outputs, result) {
    const numbers = outputs[tensor];
    if (numbers !== undefined) result.data[tensor] = numbers;
  },
});
