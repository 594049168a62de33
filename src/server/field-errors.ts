/** Formats schema errors as messages: each bad field, what it must be and what was sent. */
import type { Static, TSchema } from "@sinclair/typebox";
import { type ValueError, ValueErrorType } from "@sinclair/typebox/compiler";
import { WorkerError } from "../errors.ts";
import type { FieldProblem } from "../field-problem.ts";
import { check } from "../schema-check.ts";
import { shown } from "../shown-value.ts";

/** A body can be wrong in a million places. */
const MAX_PROBLEMS = 10;

/** Returns the value as the schema's type. Throws `invalid_request` naming each bad field, its value and what it must be. */
export function checked<T extends TSchema>(schema: T, value: unknown): Static<T> {
  if (check(schema).Check(value)) return value as Static<T>; // Check has just proven it
  throw schemaError(check(schema).Errors(value));
}

/** Turns TypeBox's errors into one `invalid_request` with a sentence a field: what it must be and what was sent. */
export function schemaError(errors: Iterable<ValueError>): WorkerError {
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
  if (value === undefined) return `is required and must be ${expects}`;
  return `must be ${expects}, got ${shown(value)}`;
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
