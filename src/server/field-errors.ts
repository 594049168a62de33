/** Hides how a value that fails its schema is put into words: each bad field, what it must be and what came. */
import type { Static, TSchema } from "@sinclair/typebox";
import { type ValueError, ValueErrorType } from "@sinclair/typebox/compiler";
import { type FieldProblem, WorkerError } from "../errors.ts";
import { check } from "../schema-check.ts";

/** A body can be wrong in a million places; nobody reads on. */
const MAX_PROBLEMS = 10;
const SHOWN_CHARACTERS = 120;

/** The value as the schema's type. Throws `invalid_request` naming each bad field, its value and what it must be. */
export function checked<T extends TSchema>(schema: T, value: unknown): Static<T> {
  if (check(schema).Check(value)) return value as Static<T>; // what Check has just proven
  throw fieldError(check(schema).Errors(value));
}

/** TypeBox's errors as one `invalid_request`: a sentence a field, saying what it must be and what came. */
export function fieldError(errors: Iterable<ValueError>): WorkerError {
  const byField = new Map<string, FieldProblem>();
  for (const error of Iterator.from(errors).flatMap(mostSpecific)) {
    const field = error.path.slice(1).replaceAll("/", ".") || "body";
    if (!byField.has(field)) byField.set(field, { field, problem: problemOf(error) });
    if (byField.size === MAX_PROBLEMS) break;
  }
  return fieldsError([...byField.values()]);
}

/** One error for all fields that are wrong. */
export function fieldsError(details: readonly FieldProblem[]): WorkerError {
  const message = details.map(({ field: name, problem }) => `${name} ${problem}`).join("; ");
  return new WorkerError("invalid_request", message, { details });
}

/** At most so many characters of a stranger's text, for messages and answers. */
export const cut = (text: string, characters: number): string =>
  text.length > characters ? `${text.slice(0, characters)}…` : text;

/** Of a value that fits no form but almost one, what is wrong inside: `prompts.0.weight` and not all of `prompts`. */
function mostSpecific(error: ValueError): ValueError[] {
  for (const form of error.errors) {
    const inside = Iterator.from(form).flatMap(mostSpecific).take(MAX_PROBLEMS).toArray();
    if (inside.length > 0 && inside.every(({ path }) => path.length > error.path.length))
      return inside;
  }
  return [error];
}

function problemOf({ type, schema, value }: ValueError): string {
  if (type === ValueErrorType.ObjectAdditionalProperties) return "is not known here; leave it out";
  const expects = schema["expects"] ?? described(schema);
  if (value === undefined) return `is required: ${expects}`;
  return `must be ${expects}, got ${shown(value)}`;
}

/** The beginning of a value as JSON, for messages; `undefined` as that word. */
export function shown(value: unknown): string {
  // Texts are cut first: they may be megabytes.
  const short = (_name: string, part: unknown) =>
    typeof part === "string" ? cut(part, SHOWN_CHARACTERS) : part;
  return cut(JSON.stringify(value, short) ?? "undefined", SHOWN_CHARACTERS);
}

/** A schema in words, where it has none of its own. */
function described(schema: TSchema): string {
  const { minimum, maximum, minLength = 0, maxLength, minItems = 0, maxItems } = schema;
  const range = (low: number, high: number | undefined) =>
    high === undefined ? `at least ${low}` : `${low} to ${high}`;
  switch (schema["type"]) {
    case "object":
      return "a JSON object";
    case "array":
      return minItems > 0 || maxItems !== undefined
        ? `a list of ${range(minItems, maxItems)}`
        : "a list";
    case "string":
      if (schema["const"] !== undefined) return JSON.stringify(schema["const"]);
      return minLength > 0 || maxLength !== undefined
        ? `text of ${range(minLength, maxLength)} characters`
        : "text";
    case "integer":
    case "number": {
      const kind = schema["type"] === "integer" ? "an integer" : "a number";
      return minimum === undefined ? kind : `${kind} from ${range(minimum, maximum)}`;
    }
    case "boolean":
      return "true or false";
    default:
      return "of another form: see /openapi";
  }
}
