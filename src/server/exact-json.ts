/** Parses JSON without rounding the integers of ComfyUI graphs, whose seeds go up to 2^64. */

/** Only in graphs may an integer be text: ComfyUI reads both alike. */
const GRAPH = /"class_type"/;
const LONG_INTEGER = /\d{16}/;

/**
 * As `JSON.parse`, but in text that holds a graph an integer beyond 2^53 becomes the text of its digits. Throws
 * `SyntaxError`.
 */
export function parseJson(text: string): unknown {
  const mayRound = LONG_INTEGER.test(text) && GRAPH.test(text);
  return mayRound ? JSON.parse(text, exact) : JSON.parse(text);
}

function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? source : value;
}
