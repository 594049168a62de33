/** Hides how TypeBox spells "one of these words". */
import { type SchemaOptions, type TLiteral, type TUnion, Type } from "@sinclair/typebox";

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
