/** Converts values as Python's `int`, `float`, `str` and `bool` do, which ComfyUI applies to what a graph holds. */

/** Single underscores between digits are allowed, and blanks around the number. */
const INTEGER = /^[+-]?\d+(?:_\d+)*$/;
const FLOAT = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const SPECIAL = /^([+-]?)(?:(inf|infinity)|nan)$/i;

/** Truncates numbers and reads texts in decimal notation; a bigint where a number would not be exact. Null if refused. */
export function toInt(value: unknown): number | bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return Number.isFinite(value) ? Math.trunc(value) + 0 : null; // -0 is 0
  if (typeof value !== "string" || !INTEGER.test(value.trim())) return null;
  const exact = BigInt(value.trim().replaceAll("_", "").replace(/^\+/, ""));
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

/** Texts may hold `inf` and `nan`. Null if refused. */
export function toFloat(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value === "bigint" || typeof value === "boolean") return Number(value);
  if (typeof value !== "string") return null;
  const plain = value.trim();
  const [special, sign, infinity] = SPECIAL.exec(plain) ?? [];
  if (special !== undefined) {
    if (infinity === undefined) return Number.NaN;
    return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return FLOAT.test(plain) ? Number(plain.replaceAll("_", "")) : null;
}

/** Everything has a text: `True`, `None`, and JSON for what nests. */
export function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return String(value);
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner));
}

/** False for zero, empty texts, empty objects and null. */
export const toBoolean = (value: unknown): boolean =>
  typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value);
