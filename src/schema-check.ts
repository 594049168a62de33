/** Compiled checks of TypeBox schemas, each compiled once. Apart from schema.ts, so that worker threads need not load the compiler. */
import type { TSchema } from "@sinclair/typebox";
import { type TypeCheck, TypeCompiler } from "@sinclair/typebox/compiler";

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
