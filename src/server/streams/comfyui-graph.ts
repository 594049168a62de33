/** Finds ComfyUI graphs where prompts are expected, in every form in which callers send them. */
import { parsedText } from "./wrapped-params.ts";

/** Containers of prompts nest no deeper: a list of JSON texts of `{prompt: …}`. */
const MAX_DEPTH = 4;

export interface FoundGraph {
  /**
   * As JSON. One that came as text is as it was written: a parser rounds large seeds. Text that is meant to be a graph
   * may not be JSON.
   */
  readonly graph: string;
  /** Members of the objects that hold it, such as the `weight` of `{prompt: graph, weight}`. */
  readonly beside: Readonly<Record<string, unknown>>;
}

export interface FoundGraphs {
  /** In their order. */
  readonly graphs: readonly FoundGraph[];
  /** There are other prompts beside them. */
  readonly isMixed: boolean;
}

/**
 * The graphs in a value: in API format (node ids to `{class_type, inputs}`, or to objects that lack these) or in the editor's format (`nodes` and
 * `links`), as an object, as JSON text, in a list, as the `prompt` of a prompt object, or as JSON in `{graph}`, whatever
 * that holds. Text that begins as JSON does, is not JSON and has the words of a graph in quotes was meant to be one, and
 * counts as one: `[a cat]` and `{red|blue} cat` are prompts. Null where there is none.
 */
export function findGraphs(value: unknown): FoundGraphs | null {
  const found = [...parts(value, 0)];
  const graphs = found.filter((part) => part !== null);
  return graphs.length === 0 ? null : { graphs, isMixed: graphs.length < found.length };
}

/** Every prompt in the value; null for one that is no graph. */
function* parts(value: unknown, depth: number): Generator<FoundGraph | null> {
  const text = typeof value === "string" ? value : null;
  const parsed = text !== null && looksLikeJson(text) ? parsedText(text) : value;
  if (text !== null && parsed === text && isMeantAsGraph(text)) {
    yield { graph: text, beside: {} };
    return;
  }
  const isContainer = typeof parsed === "object" && parsed !== null && depth <= MAX_DEPTH;
  if (!isContainer) yield null;
  else if (Array.isArray(parsed)) for (const item of parsed) yield* parts(item, depth + 1);
  else if (isApiFormat(parsed) || isEditorFormat(parsed)) {
    yield { graph: text ?? JSON.stringify(parsed), beside: {} };
  } else if ("graph" in parsed && typeof parsed.graph === "string") {
    const { graph, ...beside } = parsed;
    yield { graph: String(graph), beside };
  } else if ("prompt" in parsed) {
    const { prompt, ...beside } = parsed;
    for (const part of parts(prompt, depth + 1)) {
      yield part && { ...part, beside: { ...beside, ...part.beside } };
    }
  } else if (text === null ? isNodes(parsed) : isMeantAsGraph(text)) {
    yield { graph: text ?? JSON.stringify(parsed), beside: {} };
  } else yield null;
}

/** Most prompts are words, which need no parsing. */
const looksLikeJson = (text: string): boolean => /^[\s\uFEFF]*[[{]/.test(text);

/** Python prints its own objects with single quotes. */
const isMeantAsGraph = (text: string): boolean =>
  looksLikeJson(text) && /(["'])(?:class_type|inputs|nodes)\1/.test(text);

const isApiFormat = (graph: object): boolean =>
  Object.values(graph).some(
    (node) => typeof node === "object" && node !== null && "class_type" in node,
  );

/** A graph whose nodes have no class: its judge says what they lack. */
const isNodes = (graph: object): boolean => {
  const nodes = Object.values(graph);
  return (
    nodes.length > 0 &&
    !("graph" in graph) &&
    nodes.every((node) => typeof node === "object" && node !== null && !Array.isArray(node))
  );
};

const isEditorFormat = (graph: object): boolean =>
  "nodes" in graph && Array.isArray(graph.nodes) && "links" in graph;
