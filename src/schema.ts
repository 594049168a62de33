/** Helpers for TypeBox schemas: words as literals, values or null, and read-only types. */
import {
  type SchemaOptions,
  type Static,
  type TLiteral,
  type TNull,
  type TSchema,
  type TUnion,
  Type,
} from "@sinclair/typebox";

/** A schema of exactly these words, with their type. */
export function literals<const T extends readonly string[]>(
  words: T,
  options: SchemaOptions = {},
): TUnion<{ -readonly [K in keyof T]: TLiteral<T[K]> }> {
  type Members = { -readonly [K in keyof T]: TLiteral<T[K]> };
  // `map` forgets that a tuple stays a tuple.
  const members = words.map((word) => Type.Literal(word)) as TLiteral[] as Members;
  return Type.Union(members, {
    expects: `one of ${words.join(", ")}`,
    ...options,
  }) as TUnion<Members>;
}

/** A schema of this schema's values and null. */
export const nullable = <T extends TSchema>(
  schema: T,
  options: SchemaOptions = {},
): TUnion<[T, TNull]> => Type.Union([schema, Type.Null()], options);

/** The type of a schema's values, read-only to any depth. Binary data keeps its own type. */
export type Immutable<T extends TSchema> = DeepReadonly<Static<T>>;

type DeepReadonly<T> = T extends Uint8Array
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;
