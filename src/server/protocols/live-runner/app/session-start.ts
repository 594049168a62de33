/** Reads the body of a session's start or update into the fields of a stream (live-runner.md 4.2). */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import type { AudioMode, Prompt, StreamParams } from "../../../../engine/protocol/work.ts";
import { WorkerError } from "../../../../errors.ts";
import { shown } from "../../../../shown-value.ts";
import type { StartFields, UpdateFields } from "../../../streams/fields.ts";
import { readFields } from "../../../streams/params.ts";
import { wrappedParams } from "../../../streams/wrapped-params.ts";
import { RunnerError } from "./runner-errors.ts";
import {
  FOREIGN_FIELDS,
  SESSION_FIXED_FIELDS,
  SessionStartFields,
  SessionUpdateFields,
} from "./session-fields.ts";
import { readMetadata, type SessionMetadata } from "./session-metadata.ts";

/** What a session shows of its last start or update as it was asked for. */
export interface Asked {
  /** Null where none is given. */
  readonly preset: string | null;
  readonly mode: string | null;
  readonly radius: number | null;
}

/** A start, with valid values. */
export interface SessionStart extends Asked {
  /** The parameters of the stream; the channels are not among them. */
  readonly fields: StartFields;
  /** Members that were left out. The stream's reader adds those that the model does not know. */
  readonly ignored: readonly string[];
  readonly metadata: SessionMetadata;
  /** Null: no limit. */
  readonly maxStartupMs: number | null;
  /** Null: the server's own. */
  readonly idleTimeoutMs: number | null;
  /** The channels to make beside the media. */
  readonly channels: Readonly<Record<"events" | "data" | "control", boolean>>;
}

/** An update, with valid values; absent members of `Asked` keep their value. */
export interface SessionUpdate extends Partial<Asked> {
  readonly fields: UpdateFields;
  readonly ignored: readonly string[];
}

/** The model that returns its input, which echo runners call a mode. */
const ECHO_MODEL = "identity";
const MAX_REASON_CHARACTERS = 200;

/**
 * Reads a start. Fields stand at top level or in `params`, and top level wins. Throws RunnerError
 * naming the field.
 */
export function readSessionStart(body: unknown): SessionStart {
  const { metadata, ...given } = unwrapped(body);
  const labels = readMetadata(metadata);
  const own = without(given, FOREIGN_FIELDS);
  const { max_startup_s, idle_timeout_s, events, data, control, audio, ...common } = readAs(
    SessionStartFields,
    own.kept,
  );
  const { fields, ignored, preset = null, mode = null, radius = null } = streamFields(common, []);
  return {
    fields: { ...fields, ...(audio != null && { audio: audioMode(audio) }) },
    ignored: [...own.left, ...ignored],
    preset,
    mode,
    radius,
    metadata: labels,
    maxStartupMs: milliseconds(max_startup_s),
    idleTimeoutMs: milliseconds(idle_timeout_s),
    channels: { events: events === true, data: data === true, control: control === true },
  };
}

/**
 * Reads an update of a session whose stream has the parameters `current`. Fields that are fixed at the start are left out.
 * Throws RunnerError naming the field.
 */
export function readSessionUpdate(
  body: unknown,
  current: Pick<StreamParams, "prompts" | "graphs">,
): SessionUpdate {
  const own = without(unwrapped(body), [...FOREIGN_FIELDS, ...SESSION_FIXED_FIELDS]);
  const read = readAs(SessionUpdateFields, own.kept);
  const { ignored, ...update } = streamFields(read, current.graphs ? [] : current.prompts);
  return { ...update, ignored: [...own.left, ...ignored] };
}

/** The body of a pause, a resume or a stop. */
export const SessionReason = Type.Object({
  reason: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_REASON_CHARACTERS,
      expects: `a text of 1 to ${MAX_REASON_CHARACTERS} characters`,
    }),
  ),
});

/** The `reason` of a pause, a resume or a stop. Throws RunnerError, `unsupported_param` for any other member. */
export function readReason(body: unknown): string {
  const given = asObject(body);
  const other = Object.keys(given).find((name) => name !== "reason");
  if (other !== undefined) {
    const field = shown(other).slice(1, -1);
    const message = `${field} is not supported here; the only member is reason`;
    throw new RunnerError("unsupported_param", message, { field });
  }
  return readAs(SessionReason, given).reason ?? "operator";
}

/** The error with the field as the caller named it: a model that is unknown may have been chosen by `mode`. */
export function namedByCaller(error: RunnerError, body: unknown): RunnerError {
  const named = (field: string): unknown =>
    Object(body)[field] ?? Object(Object(body).params)[field];
  const [mode, model] = [named("mode"), named("model")];
  if (error.field !== "model" || model !== undefined || typeof mode !== "string") return error;
  const message = error.message.replace(/^model /, "mode ");
  return new RunnerError(error.code, message, { ...error.extras, field: "mode", cause: error });
}

function asObject(body: unknown): object {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new RunnerError("invalid_body", `the body must be a JSON object, got ${shown(body)}`);
}

/** The fields of a body at one level. */
function unwrapped(body: unknown): Readonly<Record<string, unknown>> {
  const { params, ...top }: Record<string, unknown> = { ...asObject(body) };
  return params === undefined ? top : { ...asInvalidParam(() => wrappedParams(params)), ...top };
}

/** The fields but those of some names, and the names that were there. */
function without(given: Readonly<Record<string, unknown>>, names: readonly string[]) {
  const entries = Object.entries(given);
  const kept = Object.fromEntries(entries.filter(([name]) => !names.includes(name)));
  return { kept, left: Object.keys(given).filter((name) => names.includes(name)) };
}

/** The parameters of a stream, and what the caller called them. `prompts`: those that the stream draws by. */
function streamFields(
  { mode, negative_prompt: negative, ...given }: SessionUpdateFields,
  prompts: readonly Prompt[],
) {
  const { preset, radius } = given;
  const chosen = given.model === undefined ? mode : undefined;
  const model = chosen === "echo" ? ECHO_MODEL : chosen;
  const negated = negative === undefined ? null : withNegative(given, negative ?? "", prompts);
  return {
    fields: { ...given, ...(model !== undefined && { model }), ...negated },
    ignored: [
      ...(mode != null && chosen === undefined ? ["mode"] : []),
      ...(negative && negated === null ? ["negative_prompt"] : []),
    ],
    ...(preset !== undefined && { preset }),
    ...(radius !== undefined && { radius }),
    // A model that is named otherwise than by a mode ends the mode.
    ...((mode !== undefined || given.model !== undefined) && { mode: chosen ?? null }),
  };
}

/**
 * The prompts with the negative one: those that are given where they have none of their own, or else those that the
 * stream draws by. Null where there is no text that could have it.
 */
function withNegative(
  given: Pick<UpdateFields, "prompts" | "prompt">,
  negative: string,
  current: readonly Prompt[],
): Pick<UpdateFields, "prompts" | "prompt"> | null {
  const field = given.prompts === undefined ? "prompt" : "prompts";
  if (given[field] === undefined) {
    if (current.length === 0) return null;
    return { prompts: current.map((one) => negate(one, negative)) };
  }
  const all = [given[field] ?? []].flat();
  const isText = (one: (typeof all)[number]) => typeof one === "string" || !("graph" in one);
  if (!all.some(isText)) return null;
  return {
    [field]: all.map((one) => {
      if (typeof one === "string") return negate({ prompt: one }, negative);
      return "graph" in one || one.negative_prompt !== undefined ? one : negate(one, negative);
    }),
  };
}

function negate({ negative_prompt: _, ...prompt }: Prompt, negative: string): Prompt {
  return negative === "" ? prompt : { ...prompt, negative_prompt: negative };
}

const audioMode = (audio: boolean | AudioMode): AudioMode =>
  typeof audio === "string" ? audio : audio ? "auto" : "none";

const milliseconds = (seconds: number | null | undefined): number | null =>
  seconds == null ? null : Math.ceil(seconds * 1000);

const readAs = <T extends TSchema>(schema: T, fields: unknown): Static<T> =>
  asInvalidParam(() => readFields(schema, fields));

/** Returns what `read` returns; turns its refusal of a field into a RunnerError. */
function asInvalidParam<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    const field = error.details[0]?.field;
    throw new RunnerError("invalid_param", error.message, {
      cause: error,
      ...(field !== undefined && { field }),
    });
  }
}
