/** The role `param`: a number that callers may change while the stream runs. */
import { Type } from "@sinclair/typebox";
import { literals } from "../../../schema.ts";
import type { ModelParam, NumberParam } from "../../protocol/models.ts";
import { describeTensor } from "../tensor-signature.ts";
import { attachNumber, bindNumber, feedNumber, type NumberPort } from "./number.ts";
import { ParamName, paramName, paramRange } from "./param-fields.ts";
import { type Binding, role } from "./role.ts";

export interface ParamPort extends NumberPort {
  readonly param: Exclude<ModelParam, { type: "vector" | "picture" | "trigger" }>;
  /** The tensor gets the parameter's integral over media time. */
  readonly sum: boolean;
  /** What the tensor gets at the parameter's ends; null: the parameter itself. */
  readonly values: readonly [number, number] | null;
  readonly scale: "linear" | "log";
}

const ParamEntry = Type.Object(
  {
    role: Type.Literal("param"),
    name: Type.Optional(ParamName),
    default: Type.Optional(Type.Number()),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
    integer: Type.Optional(Type.Boolean()),
    /**
     * The parameter is a rate per second: the tensor gets its integral over the stream's time, so that a change alters
     * how fast something moves, and not where it is.
     */
    sum: Type.Optional(Type.Boolean()),
    /** What the tensor gets where the parameter is at its minimum and its maximum. */
    values: Type.Optional(Type.Tuple([Type.Number(), Type.Number()])),
    /** How `values` are interpolated; `log` needs positive ones. */
    scale: Type.Optional(literals(["linear", "log"])),
    description: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

export const param = role({
  schema: ParamEntry,

  bind(binding): ParamPort {
    const { entry, tensor, problem } = binding;
    const port = bindNumber(binding);
    const { sum = false, values = null, scale = "linear" } = entry;
    if (sum && !port.dtype.startsWith("float")) {
      const tensorIs = `the tensor is ${describeTensor(tensor)}: make it float64`;
      problem("sum", `is true, which gives a fraction, but ${tensorIs}`);
    }
    if (scale === "log" && !(values !== null && values[0] > 0 && values[1] > 0)) {
      problem("scale", 'is "log", which needs values of two positive numbers');
    }
    return { ...port, param: paramOf(binding, port), sum, values, scale };
  },

  params: (port) => [port.param],
  isLive: ({ sum }) => sum,
  attach: (port, edge) => attachNumber(port, edge),

  value({ param: its, sum, values, scale }, moment) {
    const value = Number(moment.params[its.name] ?? its.default);
    if (its.type === "switch") return value;
    const mapped = values === null ? value : interpolated(shareOf(value, its), values, scale);
    return sum ? moment.sum(its.name, mapped) : mapped;
  },

  feed: (port, item) => feedNumber(port, item),
});

function paramOf(
  binding: Binding<typeof ParamEntry.static>,
  { dtype }: NumberPort,
): ParamPort["param"] {
  const { entry, tensor, problem, signature } = binding;
  const name = paramName(binding);
  const description = entry.description ?? "";
  if (dtype === "bool") {
    return { type: "switch", name, description, default: (entry.default ?? 0) !== 0 };
  }
  const stated = statedRange(tensor.name, signature.metadata);
  const { min, max } = paramRange(binding, stated);
  // The number nearest to 1 in the range does least harm: parameters are mostly strengths and factors.
  const fallback = Math.min(max, Math.max(min, stated.default ?? 1));
  const value = entry.default ?? fallback;
  if (min <= max && !(min <= value && value <= max)) {
    problem("default", `is ${value}, outside ${min} to ${max}: correct default, min or max`);
  }
  const integer = entry.integer ?? !dtype.startsWith("float");
  return { type: "number", name, default: value, min, max, integer, description };
}

/** From the file's metadata `param:<tensor>` = `min,max,default`, as onnx-cv-graph writes it. */
function statedRange(tensor: string, metadata: ReadonlyMap<string, string>): Partial<NumberParam> {
  const numbers = metadata.get(`param:${tensor}`)?.split(",").map(Number) ?? [];
  const [min, max, fallback] = numbers;
  if (min === undefined || max === undefined || fallback === undefined) return {};
  return numbers.every(Number.isFinite) ? { min, max, default: fallback } : {};
}

const shareOf = (value: number, { min, max }: NumberParam): number =>
  max === min ? 0 : (value - min) / (max - min);

const interpolated = (
  share: number,
  [from, to]: readonly [number, number],
  scale: string,
): number => (scale === "log" ? from * (to / from) ** share : from + (to - from) * share);
