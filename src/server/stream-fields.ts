/** Hides the wire form of stream parameters (contract.md "Stream parameters"): one schema for type, check and OpenAPI. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler, type ValueError } from "@sinclair/typebox/compiler";
import { type FieldProblem, WorkerError } from "../errors.ts";

/** Absent keeps, null resets to the default: every field may be either. */
const field = <T extends TSchema>(schema: T, expects: string, description: string) =>
  Type.Optional(Type.Union([schema, Type.Null()], { expects, description }));

const size = (name: string) =>
  field(
    Type.Integer({ minimum: 64, maximum: 4096, multipleOf: 2 }),
    "an even integer from 64 to 4096",
    `output ${name} in pixels; both or neither`,
  );

const Text = Type.String({ minLength: 1 });
const PromptObject = Type.Object({
  prompt: Text,
  negative_prompt: Type.Optional(Type.String()),
  weight: Type.Optional(Type.Number()),
});
const Prompts = field(
  Type.Union([Text, PromptObject, Type.Array(Type.Union([Text, PromptObject]))]),
  "a list of {prompt, negative_prompt?, weight?}, or one of them",
  "what to draw",
);
const Fps = field(
  Type.Number({ minimum: 1, maximum: 60 }),
  "a number from 1 to 60",
  "the clock's rate without input, a cap with",
);
const audio = (description: string) =>
  field(
    Type.Union(["auto", "copy", "opus", "aac", "none"].map((mode) => Type.Literal(mode))),
    "one of auto, copy, opus, aac, none",
    description,
  );

const changing = {
  prompts: Prompts,
  prompt: Prompts,
  model: field(Text, "the name of a model", "a name from GET /models"),
  width: size("width"),
  height: size("height"),
  fps: Fps,
  max_framerate: Fps,
  fit: field(
    Type.Union([Type.Literal("cover"), Type.Literal("contain"), Type.Literal("stretch")]),
    "one of cover, contain, stretch",
    "how a picture of another shape is fitted",
  ),
  bitrate: field(
    Type.Integer({ minimum: 10_000, maximum: 200_000_000 }),
    "an integer from 10000 to 200000000",
    "encoder rate in bits a second",
  ),
  paused: field(Type.Boolean(), "true or false", "true: frames pass through untouched"),
};

const fixed = {
  input_url: field(Text, "a URL", "trickle channel to read video from"),
  container: field(
    Type.Union([Type.Literal("fmp4"), Type.Literal("mpegts")]),
    "one of fmp4, mpegts",
    "form of the output segments",
  ),
  segment_seconds: field(
    Type.Number({ minimum: 0.2, maximum: 30 }),
    "a number from 0.2 to 30",
    "length of a segment",
  ),
  audio: audio("what becomes of the sound"),
  audio_codec: audio("alias of audio"),
};

/** Parameters of a start: both those that may change and those that may not. Members it does not name are the model's. */
export const StartFields = Type.Object(
  { stream_url: field(Text, "a URL", "trickle channel to publish to"), ...changing, ...fixed },
  { additionalProperties: true },
);
export type StartFields = Static<typeof StartFields>;

/** Parameters of an update. */
export const UpdateFields = Type.Object(changing, { additionalProperties: true });
export type UpdateFields = Static<typeof UpdateFields>;

/** Members that a start may hold and an update may not. */
export const FIXED_FIELDS: readonly string[] = ["stream_url", ...Object.keys(fixed)];
export const CHANGING_FIELDS: readonly string[] = Object.keys(changing);

const compiled = new WeakMap<TSchema, TypeCheck<TSchema>>();

/** The value as the schema's type. Throws `invalid_request` naming each bad field, its value and what it must be. */
export function checked<T extends TSchema>(schema: T, value: unknown): Static<T> {
  let check = compiled.get(schema);
  if (check === undefined) {
    check = TypeCompiler.Compile(schema);
    compiled.set(schema, check);
  }
  if (check.Check(value)) return value as Static<T>; // what Check has just proven
  throw fieldError(check.Errors(value));
}

/** TypeBox's errors as one `invalid_request`: a sentence a field, saying what it must be and what came. */
export function fieldError(errors: Iterable<ValueError>): WorkerError {
  const byField = new Map<string, FieldProblem>();
  for (const { path, schema, value, message } of errors) {
    const name = path.slice(1).replaceAll("/", ".") || "body";
    if (byField.has(name)) continue;
    const expects = schema["expects"] ? `must be ${schema["expects"]}` : lowerFirst(message);
    const shown = value === undefined ? "nothing" : JSON.stringify(value);
    const short = shown.length > 120 ? `${shown.slice(0, 120)}…` : shown;
    byField.set(name, { field: name, problem: `${expects}, got ${short}` });
  }
  return fieldsError([...byField.values()]);
}

/** One error for all fields that are wrong. */
export function fieldsError(details: readonly FieldProblem[]): WorkerError {
  const message = details.map(({ field: name, problem }) => `${name} ${problem}`).join("; ");
  return new WorkerError("invalid_request", message, { details });
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
