/** The role `state`: a tensor that the model gives to its next run. The input names the output that it is paired with. */
import { Type } from "@sinclair/typebox";
import type { TriggerParam } from "../../protocol/models.ts";
import { value } from "../graph-builder.ts";
import { edgeType, filled, type Tensor } from "../tensor.ts";
import { describeTensor, type ElementType, type TensorSignature } from "../tensor-signature.ts";
import { dimensionsOf } from "./free-dimensions.ts";
import { type Port, type RunItem, role } from "./role.ts";

export interface StatePort extends Port {
  readonly role: "state";
  readonly output: string;
  readonly dtype: ElementType;
  /** Of the initial tensor; the model may give one of another size. */
  readonly dims: readonly number[];
  readonly initial: number;
}

/** Where a lane keeps the tensor of an output for the state input that names it. */
const stateKey = (tensor: string): string => `${tensor}/state`;

const RESET: TriggerParam = {
  type: "trigger",
  name: "reset",
  default: 0,
  description: "Forgets what the model remembers of earlier frames",
};

export const state = role({
  schema: Type.Object(
    {
      role: Type.Literal("state"),
      /** The output whose tensor comes back here. */
      output: Type.String(),
      /** The value of every element before the first run. */
      initial: Type.Optional(Type.Number()),
      /** Of the initial tensor, where the file leaves dimensions free; 1 each by default. */
      shape: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }))),
    },
    { additionalProperties: false },
  ),

  bind(binding): StatePort {
    const { entry, tensor, signature, problem, batched } = binding;
    const { dtype, dims } = tensor;
    const output = signature.outputs.find(({ name }) => name === entry.output);
    if (output === undefined) {
      const names = signature.outputs.map(({ name }) => name).join(", ");
      problem(
        "output",
        `is ${JSON.stringify(entry.output)}, which is not an output of the file: ${names}`,
      );
    }
    if (dtype === null || dims === null) {
      problem("", `has role "state", but the tensor is ${describeTensor(tensor)}`);
    }
    if (output !== undefined && !isAlike(output, tensor)) {
      const pair = `${describeTensor(output)} and ${describeTensor(tensor)}`;
      problem("output", `names a tensor that does not fit this one: ${pair}`);
    }
    return {
      role: "state",
      tensor: tensor.name,
      batched,
      output: entry.output,
      dtype: dtype ?? "float32",
      dims: dimensionsOf(binding, entry.shape).map((dim) => dim ?? 1),
      initial: entry.initial ?? 0,
    };
  },

  params: () => [RESET],
  isLive: () => true,
  isRecurrent: true,

  value: (_, { params }) => Number(params[RESET.name] ?? RESET.default),

  attach(port, edge) {
    if (port.dtype !== "float16") return;
    const floats = edge.feed(
      port.tensor,
      "float32",
      port.dims.map((_, at) => `${port.tensor} ${at}`),
    );
    edge.replace(port.tensor, edge.before.cast(floats, "float16"));
  },

  feed(port, item, lane) {
    const scope = scopeOf(port, item);
    const known = lane.get(port.tensor) as string | undefined;
    lane.set(port.tensor, scope);
    // At once: if this run fails, the next one must not find it.
    if (known !== scope) lane.delete(stateKey(port.output));
    const last = lane.get(stateKey(port.output)) as Tensor | undefined;
    const tensor = last ?? filled(port.dtype, port.dims, port.initial);
    return { [port.tensor]: { ...tensor, dtype: edgeType(tensor.dtype) } };
  },
});

/** One may become the other: the same type, rank and fixed dimensions, as far as they are known. */
function isAlike(one: TensorSignature, other: TensorSignature): boolean {
  if (one.dtype !== other.dtype) return false;
  if (one.dims === null || other.dims === null) return true;
  const pairs = one.dims.map((dim, at) => [dim, other.dims?.[at]]);
  const isFixed = (dim: unknown): boolean => typeof dim === "number";
  return (
    one.dims.length === other.dims.length &&
    pairs.every(([a, b]) => a === b || !isFixed(a) || !isFixed(b))
  );
}

/** A change of the picture's size, or of `reset`, begins a new state. */
function scopeOf({ tensor }: StatePort, { picture, size, values }: RunItem): string {
  const { width, height } = picture ?? size;
  return `${width}x${height} ${values[tensor]}`;
}

/** The output of a state; the input that names it says all there is to say. */
export const stateOutput = role({
  schema: Type.Object({ role: Type.Literal("state") }, { additionalProperties: false }),

  bind: ({ tensor, batched }): Port & { dtype: ElementType } => ({
    role: "state",
    tensor: tensor.name,
    batched,
    dtype: tensor.dtype ?? "float32",
  }),

  attach(port, edge) {
    if (port.dtype !== "float16") return edge.keep(port.tensor);
    edge.output(port.tensor, edge.after.cast(value(port.tensor), "float32"), "float32", null);
  },

  read(port, outputs, _, lane) {
    lane.set(stateKey(port.tensor), outputs[port.tensor]);
  },
});
