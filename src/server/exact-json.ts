/** Parses JSON without rounding the integers of ComfyUI graphs, whose seeds go up to 2^64. */

import { parseBounded } from "../json-fault.ts";

/** Only in graphs may an integer be text: ComfyUI reads both alike. */
const GRAPH = /"class_type"/;
const LONG_INTEGER = /\d{16}/;

/**
 * As `JSON.parse`, but in text that holds a graph an integer beyond 2^53 becomes the text of its digits. Throws
 * `SyntaxError` that says where the text is not JSON, also for one that nests too deep.
 */
export function parseJson(text: string): unknown {
  const mayRound = LONG_INTEGER.test(text) && GRAPH.test(text);
  return mayRound ? parseBounded(text, exact) : parseBounded(text);
}

function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? source : value;
}
