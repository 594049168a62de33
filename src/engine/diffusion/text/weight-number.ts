/** Reads the number of a prompt weight as Python's `float()` does, which ComfyUI calls. */

const SPACE = "\\p{White_Space}*";
const DIGITS = "\\d+(?:_\\d+)*";
const DECIMAL = `(?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:e[+-]?${DIGITS})?`;
const NUMBER = new RegExp(`^${SPACE}([+-]?)(?:(inf(?:inity)?)|(nan)|(${DECIMAL}))${SPACE}$`, "iu");

/**
 * The number in a text, with blanks around it, `_` between digits, an exponent, `inf` or `nan`; null for any other
 * text. Of Unicode's digits it knows those of ASCII alone.
 */
export function parseWeight(text: string): number | null {
  const [, sign, infinity, nan, decimal = ""] = NUMBER.exec(text) ?? [];
  if (sign === undefined) return null;
  if (nan !== undefined) return Number.NaN;
  const size =
    infinity === undefined ? Number(decimal.replaceAll("_", "")) : Number.POSITIVE_INFINITY;
  return sign === "-" ? -size : size;
}
