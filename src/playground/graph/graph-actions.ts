/** Changes the graph of the form: chosen, dropped, pasted, or one value of a node. */
import { start } from "../actions.ts";
import { withModel } from "../draft.ts";
import { withFirstPrompt } from "../first-prompt.ts";
import { edit, editText } from "../form-changes.ts";
import { api } from "../page-api.ts";
import { draft, graphReading, nodeClasses, problem, video } from "../state.ts";
import { keyOf } from "./graph-faults.ts";
import { GRAPH_MODEL, isGraphModel } from "./graph-model.ts";
import { graphInPng } from "./png-graph.ts";
import { type GraphNode, looksLikeGraph, withInput, withoutRequest } from "./read-graph.ts";

/** Chooses a model; the one that runs graphs begins with an example. */
export function chooseModel(model: string): void {
  const patch = withModel(model);
  const first = isGraphModel(model)
    ? withFirstPrompt({ ...draft.value, ...patch }, video.value)
    : {};
  edit({ ...patch, ...first });
}

/** Starts a stream with a graph. */
export function startGraph(graph: string): void {
  edit({ graph });
  void start();
}

/** Uses the text as the graph, if it is one or a request with one; false if not. */
export function takeGraph(text: string): boolean {
  if (!looksLikeGraph(text)) return false;
  const graph = withoutRequest(text);
  edit({ ...(isGraphModel(draft.value.model) ? {} : withModel(GRAPH_MODEL)), graph });
  return true;
}

/** Like `takeGraph`, for a JSON file or a picture that ComfyUI saved; shows an error if it has no graph. */
export async function takeGraphFile(file: File): Promise<void> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (takeGraph(graphInPng(bytes) ?? new TextDecoder().decode(bytes))) return;
  problem.value = {
    code: "no_graph",
    what: `There is no ComfyUI graph in ${file.name}.`,
    advice: "In ComfyUI, choose Workflow > Export (API).",
  };
}

/** Replaces one input's value, given as JSON. The text around it stays as it is. */
export function setInput(node: GraphNode, name: string, json: string): void {
  // Values typed before this one have moved what follows them.
  const now = graphReading.value.nodes.find((one) => keyOf(one) === keyOf(node));
  const input = now?.inputs.findLast((one) => one.name === name);
  if (input === undefined) return;
  editText({ graph: withInput(draft.value.graph, input, json) });
}

/** Reads the server's node classes, for ranges and choices; without them, inputs have plain fields. */
export async function loadNodeClasses(): Promise<void> {
  nodeClasses.value = await api.nodes().catch(() => nodeClasses.value);
}
