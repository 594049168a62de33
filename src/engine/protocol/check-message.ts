/** Checks messages against the schemas that type them, on both ends of the IPC channel. */
import type { TObject, TUnion } from "@sinclair/typebox";
import type { Immutable } from "../../schema.ts";
import { check } from "../../schema-check.ts";

/**
 * Returns a function that passes a message of the union on, or throws an Error saying what is wrong with it. The schema
 * is chosen by the message's `type`, so that a check costs the same for every message of the union.
 */
export function messageCheck<T extends TUnion<TObject[]>>(
  union: T,
): (message: unknown) => Immutable<T> {
  const byType = new Map(
    union.anyOf.map((schema) => [schema.properties["type"]?.["const"], schema]),
  );
  return (message) => {
    const type: unknown = Object(message).type;
    const schema = byType.get(type);
    if (schema === undefined) throw new Error(`unknown message type ${JSON.stringify(type)}`);
    if (check(schema).Check(message)) return message as Immutable<T>; // proven by Check
    const wrong = check(schema).Errors(message).First();
    throw new Error(`message ${type}: ${wrong?.path}: ${wrong?.message}`);
  };
}
