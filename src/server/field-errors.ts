/** Formats schema errors as messages: each bad field, what it must be and what was sent. */
import type { Static, TSchema } from "@sinclair/typebox";
import { type ValueError, ValueErrorType } from "@sinclair/typebox/compiler";
import { WorkerError } from "../errors.ts";
import type { FieldProblem } from "../field-problem.ts";
import { redactUrls } from "../redact-url.ts";
import { check } from "../schema-check.ts";

/** A body can be wrong in a million places. */
const MAX_PROBLEMS = 10;
const SHOWN_CHARACTERS = 120;
const MAX_LISTED = 40;

/** Returns the value as the schema's type. Throws `invalid_request` naming each bad field, its value and what it must be. */
export function checked<T extends TSchema>(schema: T, value: unknown): Static<T> {
  if (check(schema).Check(value)) return value as Static<T>; // Check has just proven it
  throw fieldError(check(schema).Errors(value));
}

/** Turns TypeBox's errors into one `invalid_request` with a sentence a field: what it must be and what was sent. */
export function fieldError(errors: Iterable<ValueError>): WorkerError {
  const byField = new Map<string, FieldProblem>();
  for (const error of Iterator.from(errors).flatMap(mostSpecific)) {
    const field = error.path.slice(1).replaceAll("/", ".") || "body";
    if (!byField.has(field)) byField.set(field, { field, problem: problemOf(error) });
    if (byField.size === MAX_PROBLEMS) break;
  }
  return fieldsError([...byField.values()]);
}

/** One `invalid_request` for all fields that are wrong. */
export function fieldsError(details: readonly FieldProblem[]): WorkerError {
  const message = details.map(({ field: name, problem }) => `${name} ${problem}`).join("; ");
  return new WorkerError("invalid_request", message, { details });
}

/** Cuts a text from outside to at most so many characters, for messages and answers. */
export const cut = (text: string, characters: number): string =>
  text.length > characters ? `${text.slice(0, characters)}…` : text;

/** At most some dozens of names, each cut, for messages. */
export function listed(names: readonly string[]): string {
  const rest = names.length - MAX_LISTED;
  const first = names.slice(0, MAX_LISTED).map((name) => cut(name, 64));
  return first.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

/** Where a value almost fits one member of a union, the errors inside: `prompts.0.weight` rather than all of `prompts`. */
function mostSpecific(error: ValueError): ValueError[] {
  for (const member of error.errors) {
    const inside = Iterator.from(member).flatMap(mostSpecific).take(MAX_PROBLEMS).toArray();
    if (inside.length > 0 && inside.every(({ path }) => path.length > error.path.length))
      return inside;
  }
  return [error];
}

function problemOf({ type, schema, value }: ValueError): string {
  if (type === ValueErrorType.ObjectAdditionalProperties) return "is unknown; leave it out";
  const expects = schema["expects"] ?? described(schema);
  if (value === undefined) return `is required: ${expects}`;
  return `must be ${expects}, got ${shown(value)}`;
}

/** The beginning of a value as JSON, for messages: without the paths of URLs; the word `undefined` for undefined. */
export const shown = (value: unknown): string =>
  cut(jsonStart(value, SHOWN_CHARACTERS), SHOWN_CHARACTERS);

/**
 * The value as JSON, left off soon after `room` characters: a body may hold millions of values, or nest them a
 * hundred thousand deep.
 */
function jsonStart(value: unknown, room: number): string {
  if (typeof value === "string") return JSON.stringify(redactUrls(cut(value, SHOWN_CHARACTERS)));
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  let json = open;
  for (const name in value) {
    if (json.length > room) return json;
    const separator = json === open ? "" : ",";
    const key = Array.isArray(value) ? "" : `${JSON.stringify(cut(name, SHOWN_CHARACTERS))}:`;
    json += `${separator}${key}`;
    json += jsonStart(Reflect.get(value, name), room - json.length);
  }
  return json + close;
}

/** Describes a schema that has no `expects` of its own. */
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
      return "as /openapi describes it";
  }
}
