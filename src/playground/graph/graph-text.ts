/** Converts graphs between the text of the form and the API. */
import type { Stream } from "../api.ts";
import { isText } from "../prompts.ts";
import { readGraph } from "./read-graph.ts";

/** A graph as JSON, so that its large integers are not rounded on the way. */
interface ApiGraph {
  readonly graph: string;
}

/** The graphs of a text for a request; null for a text that cannot be sent. */
export function apiGraphs(text: string): readonly ApiGraph[] | null {
  const { fault, graphs } = readGraph(text);
  if (fault !== null) return null;
  return graphs.map(({ offset, length }) => ({ graph: text.slice(offset, offset + length) }));
}

/** The graphs of a stream as the text that the form takes; undefined where it has none. */
export function graphTextOf({ prompts = [] }: Stream["metadata"]): string | undefined {
  const graphs = prompts.filter((prompt) => !isText(prompt));
  if (graphs.length === 0) return undefined;
  return graphJson(graphs.length === 1 ? graphs[0] : graphs);
}

/** Whether two texts hold the same graphs. */
export function isSameGraph(one: string, other: string): boolean {
  return one === other || normal(one) === normal(other);
}

/** Graphs without their layout; a text that cannot be sent as it is. */
const normal = (text: string): string =>
  apiGraphs(text)
    ?.map(({ graph }) => JSON.stringify(JSON.parse(graph)))
    .join() ?? text;

const WIDTH = 60;

/** JSON with a line for each input of a node: whatever is short stays on one line. */
export function graphJson(value: unknown, indent = ""): string {
  const flat = JSON.stringify(value) ?? "null";
  if (typeof value !== "object" || value === null) return flat;
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const isShort = indent !== "" && flat.length <= WIDTH - indent.length;
  const entries = Object.entries(value);
  if (entries.length === 0) return flat;
  const name = (key: string): string => (isList ? "" : `${JSON.stringify(key)}: `);
  if (isShort || (isList && entries.every(([, one]) => typeof one !== "object"))) {
    const parts = entries.map(([key, one]) => name(key) + graphJson(one, inner));
    return isList ? `[${parts.join(", ")}]` : `{ ${parts.join(", ")} }`;
  }
  const lines = entries.map(([key, one]) => inner + name(key) + graphJson(one, inner));
  const [open, close] = isList ? "[]" : "{}";
  return `${open}\n${lines.join(",\n")}\n${indent}${close}`;
}
