/** Values of a model's parameters: which one is in use, which are equal, and how the API takes them. */
import type { Model, Param, Value, Values } from "./api.ts";
import { sum, weightsByName } from "./vector.ts";

/** The value in use: the one that was set, or the default; a picture that was not set is null. */
export function valueInUse(param: Param, values: Values): Value | null {
  return values[param.name] ?? (param.type === "picture" ? null : param.default);
}

/** Whether two values are the same; lists are compared by their numbers. */
export function sameValue(a: Value | null | undefined, b: Value | null | undefined): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((number, index) => number === b[index]);
}

/** Whether the model runs with all the values of a preset. */
export function matchesPreset(model: Model, preset: Values, values: Values): boolean {
  return model.params.every(
    (param) =>
      preset[param.name] === undefined ||
      isSameOf(param, preset[param.name], valueInUse(param, values)),
  );
}

/** The server divides a blend by its sum. */
function isSameOf(param: Param, a: Value | undefined, b: Value | null): boolean {
  if (param.type !== "vector" || !param.blend || !isList(a) || !isList(b)) return sameValue(a, b);
  const [aSum, bSum] = [sum(a), sum(b)];
  return a.every((weight, index) => Math.abs(weight / aSum - (b[index] ?? 0) / bSum) < 1e-4);
}

/** The server shows a picture as a shortened text, such as `data:image/jpeg;base64,… (120 kB)`. */
export const isShortened = (value: Value | undefined): value is string =>
  typeof value === "string" && value.includes("…");

/** Values as members of a request. Shortened pictures are left out: the server has the whole ones. */
export function requestValues(values: Values, params: readonly Param[]): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    if (isShortened(value)) continue;
    const param = params.find((one) => one.name === name);
    members[name] = param === undefined ? value : requestValue(param, value);
  }
  return members;
}

/** A vector is sent as `{"entry": weight}` where its entries have names. */
const requestValue = (param: Param, value: Value): unknown =>
  param.type === "vector" && isList(value) ? (weightsByName(param, value) ?? value) : value;

/** The model's own parameters among the members of a stream's `params`. */
export function valuesIn(members: object, params: readonly Param[]): Values {
  const pairs = params.map((param) => [param, Reflect.get(members, param.name)] as const);
  const valid = pairs.filter(([param, value]) => fits(param, value));
  return Object.fromEntries(valid.map(([{ name }, value]) => [name, value]));
}

function fits(param: Param, value: unknown): boolean {
  switch (param.type) {
    case "number":
    case "trigger":
      return typeof value === "number";
    case "switch":
      return typeof value === "boolean";
    case "vector":
      return isList(value) && value.length === param.default.length;
    case "picture":
      return typeof value === "string";
  }
}

export const isList = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => typeof one === "number");
