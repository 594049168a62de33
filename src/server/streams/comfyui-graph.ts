/** Recognizes ComfyUI graphs where prompts are expected, in every form in which callers send them. */
import { parsedText } from "./wrapped-params.ts";

/** Containers of prompts nest no deeper: a list of JSON texts of `{prompt: …}`. */
const MAX_DEPTH = 4;

/**
 * True if the value is, or holds, a graph in API format (node ids to `{class_type, inputs}`) or in the editor's format
 * (`nodes` and `links`): as an object, as JSON text, in a list, or as the `prompt` of a prompt object.
 */
export function holdsGraph(value: unknown, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  const parsed = looksLikeJson(value) ? parsedText(value) : value;
  if (typeof parsed !== "object" || parsed === null) return false;
  if (Array.isArray(parsed)) return parsed.some((item) => holdsGraph(item, depth + 1));
  if (isApiFormat(parsed) || isEditorFormat(parsed)) return true;
  return "prompt" in parsed && holdsGraph(parsed.prompt, depth + 1);
}

/** Most prompts are words, which need no parsing. */
const looksLikeJson = (value: unknown): boolean =>
  typeof value === "string" && /^\s*[[{]/.test(value);

const isApiFormat = (graph: object): boolean =>
  Object.values(graph).some(
    (node) => typeof node === "object" && node !== null && "class_type" in node,
  );

const isEditorFormat = (graph: object): boolean =>
  "nodes" in graph && Array.isArray(graph.nodes) && "links" in graph;
