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

/** Everything has a text: `True`, `None`, `[1, 'two']`. */
export const toText = (value: unknown): string =>
  typeof value === "string" ? value : representation(value);

/** As Python's `repr` gives it. */
function representation(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(representation).join(", ")}]`;
  if (typeof value !== "object") return String(value);
  const members = Object.entries(value).map(
    ([key, one]) => `${quoted(key)}: ${representation(one)}`,
  );
  return `{${members.join(", ")}}`;
}

/** In single quotes, unless these stand in the text and double ones do not. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t]/g, (found) => ESCAPES[found] ?? found);
  return quote + escaped.replaceAll(quote, `\\${quote}`) + quote;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** False for zero, empty texts, empty objects and null. */
export const toBoolean = (value: unknown): boolean =>
  typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value);
