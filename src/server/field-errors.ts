/** Hides how a value that fails its schema is put into words: each bad field, what it must be and what came. */
import type { Static, TSchema } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler, type ValueError } from "@sinclair/typebox/compiler";
import { type FieldProblem, WorkerError } from "../errors.ts";

const compiled = new WeakMap<TSchema, TypeCheck<TSchema>>();

/** The schema's check, compiled on first use. */
export function check(schema: TSchema): TypeCheck<TSchema> {
  let known = compiled.get(schema);
  if (known === undefined) {
    known = TypeCompiler.Compile(schema);
    compiled.set(schema, known);
  }
  return known;
}

/** The value as the schema's type. Throws `invalid_request` naming each bad field, its value and what it must be. */
export function checked<T extends TSchema>(schema: T, value: unknown): Static<T> {
  if (check(schema).Check(value)) return value as Static<T>; // what Check has just proven
  throw fieldError(check(schema).Errors(value));
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
