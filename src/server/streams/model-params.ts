/** Finds the model of a stream, and checks the values of the model's own parameters. */
import type { ModelInfo, NumberParam, ParamValues } from "../../engine/protocol/models.ts";
import { type FieldProblem, WorkerError } from "../../errors.ts";
import { fieldsError, shown } from "../field-errors.ts";

/** The model of this name. Throws `unknown_model` listing the names there are. */
export function findModel(name: string, models: readonly ModelInfo[]): ModelInfo {
  const model = models.find((one) => one.name === name);
  if (model !== undefined) return model;
  const names = models.map((one) => one.name).join(", ");
  const problem = `is unknown: ${shown(name)}; available: ${names || "none yet"}`;
  throw new WorkerError("unknown_model", `model ${problem}`, {
    details: [{ field: "model", problem }],
  });
}

export const takesParam = (model: ModelInfo, name: string): boolean =>
  model.params.some((one) => one.name === name);

/**
 * The current values that the model takes, replaced by the given ones; null resets. Throws `invalid_request` naming each
 * given value that the model does not take.
 */
export function modelParams(
  given: Readonly<Record<string, unknown>>,
  current: ParamValues,
  model: ModelInfo,
): ParamValues {
  const values: Record<string, ParamValues[string]> = {};
  const problems: FieldProblem[] = [];
  for (const param of model.params) {
    if (param.type !== "number") continue;
    const { name: field, min, max, integer } = param;
    const value = Object.hasOwn(given, field) ? given[field] : current[field];
    if (isValid(value, param)) values[field] = value;
    else if (Object.hasOwn(given, field) && value !== null) {
      const kind = integer ? "an integer" : "a number";
      const problem = `must be ${kind} from ${min} to ${max}, got ${shown(value)}`;
      problems.push({ field, problem });
    }
  }
  if (problems.length > 0) throw fieldsError(problems);
  return values;
}

const isValid = (value: unknown, { min, max, integer }: NumberParam): value is number =>
  typeof value === "number" &&
  value >= min &&
  value <= max &&
  (!integer || Number.isInteger(value));
