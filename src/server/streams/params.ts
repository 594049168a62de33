/** Merges request fields into stream parameters: aliases, defaults, the model's own ranges, unknown members. */
import type { Static, TSchema } from "@sinclair/typebox";
import type { ModelInfo } from "../../engine/protocol/models.ts";
import { DEFAULT_SIZE, GRAPH_MODEL, type StreamParams } from "../../engine/protocol/work.ts";
import { cut } from "../../shown-value.ts";
import { checked, fieldsError } from "../field-errors.ts";
import { CHANGING_FIELDS, FIXED_FIELDS, type StartFields, UpdateFields } from "./fields.ts";
import { findModel, modelParams, takesParam } from "./model-params.ts";
import { type Drawing, givenDrawing, unusedMembers, withGraphs } from "./prompts.ts";
import { wrappedParams } from "./wrapped-params.ts";

const MAX_IGNORED = 32;

export interface Resolved {
  readonly params: StreamParams;
  readonly model: ModelInfo;
  /** Names of members that are unknown here, at most some dozens. */
  readonly ignored: readonly string[];
}

const DEFAULTS = { prompts: [], fit: "cover", paused: false, model_params: {} } as const;

/** The parameters of a stream without input where a start names none: a clock drives the model. */
export const CLOCK_DEFAULTS: StreamParams = {
  ...DEFAULTS,
  model: "dreamscape",
  size: DEFAULT_SIZE,
  fps: 24,
};

/** The parameters of a stream or picture with input where a request names none: the size and rate of the input. */
export const INPUT_DEFAULTS: StreamParams = { ...DEFAULTS, model: "restyle" };

/** The parameters in a request. Throws `invalid_request` naming each field that is wrong. */
export function readFields<T extends TSchema>(schema: T, fields: unknown): Static<T> {
  return checked(schema, withGraphs(fields));
}

/**
 * Applies an update to parameters: a present field replaces, an absent one keeps, null resets to the default. Throws
 * `invalid_request` for bad values and for fields that cannot change, `unknown_model` for the model.
 */
export function updatedParams(
  body: unknown,
  current: StreamParams,
  defaults: StreamParams,
  models: readonly ModelInfo[],
): Resolved {
  const given = readFields(UpdateFields, unwrapped(body));
  const fixed = FIXED_FIELDS.filter((name) => name in given);
  if (fixed.length > 0)
    throw fieldsError(
      fixed.map((field) => ({ field, problem: "cannot change while the stream runs" })),
    );
  return mergeParams(given, current, defaults, models);
}

/** Merges valid fields into `current`; a start passes the defaults as `current`. Throws `unknown_model` and `invalid_request`. */
export function mergeParams(
  given: UpdateFields | StartFields,
  current: StreamParams,
  defaults: StreamParams,
  models: readonly ModelInfo[],
): Resolved {
  const size = mergedSize(given, current, defaults);
  const fps = pick(
    given.fps === undefined ? given.max_framerate : given.fps,
    current.fps,
    defaults.fps,
  );
  const bitrate = pick(given.bitrate, current.bitrate, defaults.bitrate);
  const marker = pick(given.marker, current.marker, defaults.marker);
  const fallback = pick(given.fallback, current.fallback, defaults.fallback);
  const drawing = mergedDrawing(given, current, defaults);
  const model = findModel(modelName(given, drawing, current, defaults), models);
  const own = Object.entries(given).filter(([name]) => !isCommon(name));
  const params: StreamParams = {
    ...drawing,
    model: model.name,
    ...(size === undefined ? {} : { size }),
    ...(fps === undefined ? {} : { fps }),
    fit: pick(given.fit, current.fit, defaults.fit),
    ...(bitrate === undefined ? {} : { bitrate }),
    paused: pick(given.paused, current.paused, defaults.paused),
    ...(marker === undefined ? {} : { marker }),
    ...(fallback === undefined ? {} : { fallback }),
    model_params: modelParams(
      { values: Object.fromEntries(own), preset: given.preset },
      current.model_params,
      model,
    ),
  };
  const unknown = own.map(([name]) => name).filter((name) => !takesParam(model, name));
  const ignored = [...unknown, ...unusedAliases(given), ...unusedMembers(given)];
  return { params, model, ignored: shortened(ignored) };
}

/** The fields of an update: those inside `params`, unless it has fields beside it (protocol.md 1.6). */
function unwrapped(body: unknown): unknown {
  if (typeof body !== "object" || body === null || !("params" in body)) return body;
  if (Object.keys(body).some((name) => isCommon(name))) return body;
  return wrappedParams(body.params);
}

/** Graphs that run already end where another model is asked for. */
function mergedDrawing(
  given: UpdateFields,
  current: StreamParams,
  defaults: StreamParams,
): Drawing {
  const { graphs, prompts } = pick<Drawing>(givenDrawing(given), current, defaults);
  const isGiven = given.prompts !== undefined || given.prompt !== undefined;
  const leaves = !isGiven && given.model !== undefined && given.model !== GRAPH_MODEL;
  return graphs === undefined || leaves ? { prompts } : { prompts, graphs };
}

/** Graphs have a model of their own, which is the default where there are any. */
function modelName(
  given: UpdateFields,
  { graphs }: Drawing,
  current: StreamParams,
  defaults: StreamParams,
): string {
  const { model: wanted } = given;
  if (graphs === undefined) {
    const name = pick(wanted, current.model, defaults.model);
    if (name !== GRAPH_MODEL) return name;
    if (wanted == null) return defaults.model;
    const problem = `must be a ComfyUI graph in API format for model ${GRAPH_MODEL}`;
    throw fieldsError([{ field: "prompts", problem }]);
  }
  if (wanted == null || wanted === GRAPH_MODEL) return GRAPH_MODEL;
  const problem = "must be left out where prompts are graphs: they name the models they use";
  throw fieldsError([{ field: "model", problem }]);
}

/** Absent keeps, null resets. */
function pick<T>(given: T | null | undefined, current: T, fallback: T): T {
  if (given === undefined) return current;
  return given === null ? fallback : given;
}

function mergedSize(
  { width, height }: UpdateFields,
  current: StreamParams,
  defaults: StreamParams,
): StreamParams["size"] {
  if (width === undefined && height === undefined) return current.size;
  if (typeof width === "number" && typeof height === "number") return { width, height };
  if (typeof width !== "number" && typeof height !== "number") return defaults.size;
  const [field, other] = typeof width === "number" ? ["height", "width"] : ["width", "height"];
  throw fieldsError([{ field, problem: `must be given together with ${other}` }]);
}

/** Aliases that were sent together with the field itself, which wins. */
const unusedAliases = (given: StartFields): string[] =>
  Object.entries(ALIASES).flatMap(([alias, field]) =>
    given[alias as keyof typeof ALIASES] === undefined || given[field] === undefined ? [] : alias,
  );

const ALIASES = { prompt: "prompts", max_framerate: "fps", audio_codec: "audio" } as const;

/** Bounds what is sent back: a caller may send thousands of members with names of megabytes. */
function shortened(names: readonly string[]): string[] {
  const shown = names.slice(0, MAX_IGNORED).map((name) => cut(name, 64));
  const rest = names.length - shown.length;
  return rest > 0 ? [...shown, `… and ${rest} more`] : shown;
}

const isCommon = (name: string) => CHANGING_FIELDS.includes(name) || FIXED_FIELDS.includes(name);
