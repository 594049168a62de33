/** The role `vector`: a list of numbers that callers may change, whose entries may have names: a choice, or a blend. */
import { Type } from "@sinclair/typebox";
import type { VectorParam } from "../../protocol/models.ts";
import { countOf } from "../tensor.ts";
import { attachList, bindList, feedList, type ListPort, listTensor } from "./list.ts";
import { ParamName, paramName, paramRange } from "./param-fields.ts";
import { role } from "./role.ts";

export interface VectorPort extends ListPort {
  readonly param: VectorParam;
}

export const vector = role({
  schema: Type.Object(
    {
      role: Type.Literal("vector"),
      name: Type.Optional(ParamName),
      /** As long as the vector, or shorter: the rest is 0. */
      default: Type.Optional(Type.Array(Type.Number())),
      min: Type.Optional(Type.Number()),
      max: Type.Optional(Type.Number()),
      entries: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
      /** The model wants entries that sum to 1. */
      blend: Type.Optional(Type.Boolean()),
      /** The model wants 1 in one entry and 0 in all others. */
      choice: Type.Optional(Type.Boolean()),
      description: Type.Optional(Type.String()),
    },
    { additionalProperties: false },
  ),

  bind(binding): VectorPort {
    const { entry, problem } = binding;
    const names = entry.entries ?? [];
    const port = bindList(binding, names.length > 0 ? names.length : null);
    const length = countOf(port.dims);
    if (new Set(names).size < names.length) problem("entries", "contains the same name twice");
    const { blend = false, choice = false } = entry;
    if (choice && (blend || names.length === 0)) {
      problem("choice", "needs entries to choose from, and is not for a blend");
    }
    const given = entry.default ?? (blend || choice ? [1] : []);
    if (given.length > length)
      problem("default", `has ${given.length} numbers, the tensor ${length}`);
    const { min, max } = paramRange(binding);
    const outside = min > max ? undefined : given.find((each) => !(min <= each && each <= max));
    if (outside !== undefined) {
      problem(
        "default",
        `contains ${outside}, outside ${min} to ${max}: correct default, min or max`,
      );
    }
    const param: VectorParam = {
      type: "vector",
      name: paramName(binding),
      description: entry.description ?? "",
      default: Array.from({ length }, (_, at) => given[at] ?? 0),
      min,
      max,
      entries: names,
      blend,
      ...(choice && { choice }),
    };
    return { ...port, param };
  },

  params: ({ param }) => [param],
  attach: (port, edge) => attachList(port, edge),

  value({ param }, { params }) {
    const value = params[param.name];
    return listTensor(Array.isArray(value) ? value : param.default);
  },

  feed: (port, item) => feedList(port, item),
});

/** The place of the greatest number of a choice: the entry that was chosen. */
export const chosenEntry = (numbers: readonly number[]): number =>
  Math.max(0, numbers.indexOf(Math.max(...numbers)));
