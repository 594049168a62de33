/** Lets ComfyUI validate graphs before they run, and turns its findings into errors of the request, node by node. */
import { WorkerError } from "../../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { parseGraph } from "../graph/read-graph.ts";
import { refused, type SentGraph, unreadable } from "../graph/refusal.ts";
import type { GraphUse } from "../protocol/work.ts";
import type { ComfyClient } from "./client.ts";
import {
  classProblem,
  linkProblems,
  outputProblems,
  type Problem,
  problemsOf,
  withoutTextNode,
  withoutVideo,
} from "./graph-problems.ts";
import {
  classesOf,
  exactJson,
  imagesOf,
  type PictureNode,
  type ServerGraph,
  serverGraph,
  TEXT_NODE,
  TRIAL_GAPS,
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

  /** Throws `invalid_request` with what is wrong with the graphs, and `comfyui_unavailable`. */
  async plan(graphs: readonly string[], use: GraphUse, signal: AbortSignal): Promise<ServerPlan> {
    const saves = await this.#pictureNode(use, signal);
    const planned = graphs.map(async (json, place) => {
      const field = graphs.length === 1 ? "prompts" : `prompts.${place}`;
      return await this.#graph(readable(json, field), field, use, signal);
    });
    return { graphs: await Promise.all(planned), saves };
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
    const at: SentGraph = { graph: sent, field };
    const images = await this.#imagesThere(sent, use, signal);
    const graph = serverGraph(sent, use, (name) => images.has(name));
    const problems = [
      ...(await this.#classProblems(graph, signal)),
      ...linkProblems(graph),
      ...outputProblems(graph),
      ...(await this.#textProblems(graph, signal)),
      ...(use.hasInput ? [] : withoutVideo(graph)),
    ];
    if (problems.length > 0) throw refused(problems, at);
    await this.#try(graph, at, signal);
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
    const problems: Problem[] = [];
    const classes = [...classesOf(graph)];
    while (classes.length > 0 && problems.length < MAX_UNKNOWN) {
      const some = classes.splice(0, QUESTIONS_AT_ONCE).map(async ([name, nodes]) => {
        const isKnown = name !== null && (await this.#knows(name, signal));
        return isKnown ? [] : [classProblem(name, nodes)];
      });
      problems.push(...(await Promise.all(some)).flat());
    }
    return problems;
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

  /** Submits the graph with outputs that cannot run, for its validation. */
  async #try(graph: ServerGraph, at: SentGraph, signal: AbortSignal): Promise<void> {
    const id = crypto.randomUUID();
    const outputs = [...graph.pictures, ...graph.texts];
    const body = {
      prompt: triedGraph(graph, NO_FRAME),
      ...{ prompt_id: id, partial_execution_targets: outputs },
    };
    const answer = await this.#client.submit(id, exactJson(body), signal);
    if (answer.state === "queued") await this.#client.cancel(id, signal); // its outputs have become optional inputs
    const problems = problemsOf(answer, graph, (node, error) => {
      if (graph.live.includes(node)) return error.type === "custom_validation_failed";
      if (error.type !== "required_input_missing") return false;
      const { input_name: input } = error.extra_info ?? {};
      if (graph.pictures.includes(node)) return input === TRIAL_GAPS.picture;
      return graph.texts.includes(node) && input === TRIAL_GAPS.text;
    });
    if (problems.length > 0) throw refused(problems, at);
  }
}

/** As `parseGraph`; the error names the field. */
function readable(json: string, field: string): Graph {
  try {
    return parseGraph(json);
  } catch (error) {
    throw error instanceof WorkerError ? unreadable(error, field) : error;
  }
}
