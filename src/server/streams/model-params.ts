/** Finds the model of a stream, and merges what requests say about the model's own parameters. */
import type { ModelInfo, ParamValue, ParamValues } from "../../engine/protocol/models.ts";
import { readParam, shownValue, suitsParam } from "../../engine/protocol/param-value.ts";
import { pictureUriBytes, pictureUriFormat } from "../../engine/protocol/picture-uri.ts";
import { WorkerError } from "../../errors.ts";
import type { FieldProblem } from "../../field-problem.ts";
import { listed, shown } from "../../shown-value.ts";
import { fieldsError } from "../field-errors.ts";

/** Bytes of the pictures that a stream's parameters may hold. */
const MAX_PICTURES_BYTES = 8 * 1024 * 1024;

/** The model of this name. Throws `unknown_model` listing the names there are. */
export function findModel(name: string, models: readonly ModelInfo[]): ModelInfo {
  const model = models.find((one) => one.name === name);
  if (model !== undefined) return model;
  const names = listed(models.map((one) => one.name));
  const problem = `is unknown: ${shown(name)}; available: ${names || "none yet"} (GET /models)`;
  throw new WorkerError("unknown_model", `model ${problem}`, {
    details: [{ field: "model", problem }],
  });
}

export const takesParam = (model: ModelInfo, name: string): boolean =>
  model.params.some((one) => one.name === name);

/** What a request says about the parameters of its model. */
export interface GivenParams {
  /** By name; null resets. Members that the model does not take are left out. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The name of a preset, whose values apply where `values` has none; absent or null: none. */
  readonly preset?: string | null | undefined;
}

/**
 * The current values that the model takes, replaced by those of the preset and then by the given ones, in canonical
 * form. Throws `invalid_request` naming each value that the model does not take, and a preset that it does not have.
 */
export function modelParams(
  given: GivenParams,
  current: ParamValues,
  model: ModelInfo,
): ParamValues {
  const preset = presetOf(given, model);
  const values: Record<string, ParamValue> = {};
  const problems: FieldProblem[] = [];
  for (const param of model.params) {
    const { name } = param;
    const kept = Object.hasOwn(current, name) ? current[name] : undefined;
    const set = Object.hasOwn(given.values, name);
    if (!set && !Object.hasOwn(preset, name)) {
      if (kept !== undefined && suitsParam(param, kept)) values[name] = kept;
      continue;
    }
    const value = set ? given.values[name] : preset[name];
    if (value === null) continue;
    const reading = isShown(value, kept) ? { value: kept } : readParam(param, value);
    if ("value" in reading) values[name] = reading.value;
    else if (set) problems.push({ field: name, problem: reading.problem });
    else
      problems.push({
        field: "preset",
        problem: `${given.preset} cannot be used: ${name} ${reading.problem}`,
      });
  }
  if (problems.length === 0) problems.push(...oversized(values));
  if (problems.length > 0) throw fieldsError(problems);
  return values;
}

/** The values of the preset that is given; none where there is none. Throws `invalid_request` listing those there are. */
function presetOf({ preset }: GivenParams, { name, presets }: ModelInfo): ParamValues {
  if (preset === undefined || preset === null) return {};
  const values = Object.hasOwn(presets, preset) ? presets[preset] : undefined;
  if (values !== undefined) return values;
  const problem = `is unknown: ${shown(preset)}; presets of model ${name}: ${listed(Object.keys(presets)) || "none"}`;
  throw fieldsError([{ field: "preset", problem }]);
}

/** A picture as answers show it stands for itself, so that callers can send back what they have read. */
const isShown = (value: unknown, kept: ParamValue | undefined): kept is ParamValue =>
  kept !== undefined && value === shownValue(kept);

/** A stream's parameters travel as one message to its engine. */
function oversized(values: ParamValues): FieldProblem[] {
  const pictures = Object.entries(values).filter(([, value]) => pictureUriFormat(value) !== null);
  const bytes = pictures.reduce((sum, [, value]) => sum + pictureUriBytes(String(value)), 0);
  if (bytes <= MAX_PICTURES_BYTES) return [];
  const problem = `is too large: the pictures of a stream may have ${MAX_PICTURES_BYTES} bytes in all, got ${bytes}`;
  return pictures.map(([field]) => ({ field, problem }));
}
