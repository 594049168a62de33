/** Writes JSON in which integers beyond 2^53 stay exact. */

export const exactJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? rawJson(String(inner)) : inner));

/** ES2026's `JSON.rawJSON`, which the typings do not have yet. */
const rawJson = (text: string): unknown =>
  (JSON as JSON & { rawJSON(text: string): unknown }).rawJSON(text);
