/** Lets ComfyUI validate graphs before they run, and turns its findings into errors of the request, node by node. */
import { WorkerError } from "../../errors.ts";
import { suggester } from "../../nearest-name.ts";
import { exactJson } from "../../raw-json.ts";
import type { Graph } from "../graph/graph.ts";
import { parseGraph } from "../graph/read-graph.ts";
import { combined, refused, unreadable, withoutVideo } from "../graph/refusal.ts";
import type { GraphUse } from "../protocol/work.ts";
import type { NodeError } from "./answers.ts";
import type { ComfyClient } from "./client.ts";
import {
  classProblem,
  linkProblems,
  outputProblems,
  type Problem,
  problemsOf,
  readingProblems,
  withoutTextNode,
} from "./graph-problems.ts";
import {
  classesOf,
  imagesOf,
  inputKey,
  outputsOf,
  type PictureNode,
  type ServerGraph,
  serverGraph,
  TEXT_NODE,
  TRIAL_GAPS,
  TRIED_TEXT,
  type TriableGraph,
  triable,
  triedGraph,
} from "./server-graph.ts";

/** Graphs that have passed ComfyUI's validation. */
export interface ServerPlan {
  readonly graphs: readonly ServerGraph[];
  readonly saves: PictureNode;
}

/** Classes that ComfyUI is asked about at the same time. */
const QUESTIONS_AT_ONCE = 16;
/** After this many unknown classes it is not asked about more. */
const MAX_UNKNOWN = 10;
/** Does not exist: errors about this file are ignored. */
const NO_FRAME = "frame.png";

export class GraphJudge {
  readonly #client: ComfyClient;
  /** Classes that ComfyUI knew. */
  readonly #classes = new Set<string>();

  constructor(client: ComfyClient) {
    this.#client = client;
  }

  /** To be called for a new connection: ComfyUI may have other nodes now. */
  forget(): void {
    this.#classes.clear();
  }

  /** Throws `invalid_request` with what is wrong with all the graphs, and `comfyui_unavailable`. */
  async plan(graphs: readonly string[], use: GraphUse, signal: AbortSignal): Promise<ServerPlan> {
    const saves = await this.#pictureNode(use, signal);
    const planned = await Promise.allSettled(
      graphs.map(async (json, place) => {
        const field = graphs.length === 1 ? "prompts" : `prompts.${place}`;
        return await this.#graph(readable(json, field), field, use, signal);
      }),
    );
    const refusals = planned.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    const other = refusals.find((one) => !isRefusal(one));
    if (other !== undefined) throw other;
    if (refusals.length > 0) throw combined(refusals.filter(isRefusal));
    return {
      graphs: planned.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
      saves,
    };
  }

  /** Pictures that come as files stay on ComfyUI's disk, which a stream would fill. */
  async #pictureNode({ kind }: GraphUse, signal: AbortSignal): Promise<PictureNode> {
    if (await this.#knows("SaveImageWebsocket", signal)) return "SaveImageWebsocket";
    if (kind === "picture") return "PreviewImage";
    const problem = `${this.#client.label} lacks SaveImageWebsocket, by which streams get their pictures: start it with its custom_nodes/websocket_image_save.py`;
    throw new WorkerError("invalid_request", `prompts: ${problem}`, {
      details: [{ field: "prompts", problem }],
    });
  }

  async #graph(
    sent: Graph,
    field: string,
    use: GraphUse,
    signal: AbortSignal,
  ): Promise<ServerGraph> {
    const images = await this.#imagesThere(sent, use, signal);
    const graph = serverGraph(sent, use, (name) => images.has(name));
    const stopping = [
      ...readingProblems(graph),
      ...(await this.#classProblems(graph, signal)),
      ...linkProblems(graph),
    ];
    const readers = graph.live.flatMap((id) => sent.get(id) ?? []);
    const problems = [
      ...stopping,
      ...outputProblems(graph),
      ...(await this.#textProblems(graph, signal)),
      ...(use.hasInput ? [] : withoutVideo(readers, use.kind)),
    ];
    const faulty = stopping.flatMap((one) => ("nodes" in one ? one.nodes : []));
    problems.push(...(await this.#found(triable(graph, new Set(faulty)), signal)));
    if (problems.length > 0) throw refused(problems, { graph: sent, field });
    return graph;
  }

  /** Files that ComfyUI has, of those that a picture in the request may replace. */
  async #imagesThere(sent: Graph, use: GraphUse, signal: AbortSignal): Promise<Set<string>> {
    const names = use.kind === "picture" && use.hasInput ? imagesOf(sent) : [];
    if (names.length !== 1) return new Set();
    const there = names.map(async (name) =>
      (await this.#client.hasImage(name, signal)) ? name : [],
    );
    return new Set((await Promise.all(there)).flat());
  }

  async #classProblems(graph: ServerGraph, signal: AbortSignal): Promise<Problem[]> {
    const unknown: [name: string, nodes: readonly string[]][] = [];
    const classes = [...classesOf(graph)];
    while (classes.length > 0 && unknown.length < MAX_UNKNOWN) {
      const some = classes.splice(0, QUESTIONS_AT_ONCE).map(async ([name, nodes]) => {
        return (await this.#knows(name, signal)) ? [] : [[name, nodes] as [string, string[]]];
      });
      unknown.push(...(await Promise.all(some)).flat());
    }
    if (unknown.length === 0) return [];
    const known = await this.#client.classes(signal);
    const suggest = suggester();
    return unknown.map(([name, nodes]) => classProblem(name, nodes, suggest(name, known)));
  }

  async #textProblems({ texts }: ServerGraph, signal: AbortSignal): Promise<Problem[]> {
    const canRun = texts.length === 0 || (await this.#knows(TEXT_NODE, signal));
    return canRun ? [] : [withoutTextNode(texts)];
  }

  async #knows(name: string, signal: AbortSignal): Promise<boolean> {
    if (this.#classes.has(name)) return true;
    if (!(await this.#client.knows(name, signal))) return false;
    this.#classes.add(name);
    return true;
  }

  /** What ComfyUI's validation finds. The graph is submitted with outputs that cannot run. */
  async #found({ graph, leftOut }: TriableGraph, signal: AbortSignal): Promise<Problem[]> {
    const targets = outputsOf(graph);
    if (targets.length === 0) return []; // there would be nothing to validate
    const id = crypto.randomUUID();
    const body = {
      prompt: triedGraph(graph, NO_FRAME),
      prompt_id: id,
      partial_execution_targets: targets,
    };
    const answer = await this.#client.submit(id, exactJson(body), signal);
    if (answer.state === "queued") await this.#client.cancel(id, signal); // its outputs have become optional inputs
    return problemsOf(answer, graph, (node, error) => {
      if (graph.live.includes(node))
        return error.type === "custom_validation_failed" ? null : error;
      const isText = graph.texts.includes(node);
      const named = isText ? renamed(error, TRIED_TEXT, "data") : error;
      if (error.type !== "required_input_missing") return named;
      const { input_name: input = "" } = named.extra_info ?? {};
      const gap = isText
        ? TRIAL_GAPS.text
        : graph.pictures.includes(node)
          ? TRIAL_GAPS.picture
          : "";
      return input === gap || leftOut.has(inputKey(node, input)) ? null : named;
    });
  }
}

/** The error with an input's name in place of the one that it had in the trial. */
function renamed(error: NodeError, tried: string, name: string): NodeError {
  const { extra_info, details } = error;
  if (extra_info?.input_name !== tried) return error;
  return { ...error, details: details.replace(tried, name), extra_info: { input_name: name } };
}

const isRefusal = (error: unknown): error is WorkerError =>
  error instanceof WorkerError && error.kind === "invalid_request";

/** As `parseGraph`; the error names the field. */
function readable(json: string, field: string): Graph {
  try {
    return parseGraph(json);
  } catch (error) {
    throw error instanceof WorkerError ? unreadable(error, field) : error;
  }
}
