/** Has ComfyUI judge graphs before it is to run them, and words what it finds as errors of the request, node by node. */
import { WorkerError } from "../../errors.ts";
import { depthFirst } from "../graph/depth-first.ts";
import { type Graph, nodeLabel, shortened } from "../graph/graph.ts";
import { parseGraph } from "../graph/read-graph.ts";
import { refused, type SentGraph, unreadable } from "../graph/refusal.ts";
import type { GraphUse } from "../protocol/work.ts";
import type { NodeError, NodeErrors, PromptError } from "./answers.ts";
import type { ComfyClient } from "./client.ts";
import {
  classesOf,
  exactJson,
  imagesOf,
  linksOf,
  type PictureNode,
  type ServerGraph,
  serverGraph,
  TEXT_NODE,
  TRIAL_GAPS,
  triedGraph,
} from "./server-graph.ts";

/** Graphs that ComfyUI can run, as far as it can tell. */
export interface ServerPlan {
  readonly graphs: readonly ServerGraph[];
  readonly saves: PictureNode;
}

type Problem = Parameters<typeof refused>[0][number];

const MAX_PROBLEM_CHARACTERS = 400;
const MAX_NAMED = 8;
/** Classes that ComfyUI is asked about at the same time. */
const QUESTIONS_AT_ONCE = 16;
/** It is asked about no more classes once it knew none of so many. */
const MAX_UNKNOWN = 10;
/** No file: what reads the frame is not judged by it. */
const NO_FRAME = "frame.png";

export class GraphJudge {
  readonly #client: ComfyClient;
  /** Classes that ComfyUI knew. */
  readonly #classes = new Set<string>();

  constructor(client: ComfyClient) {
    this.#client = client;
  }

  /** ComfyUI may have another set of nodes by now. */
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

  /** Pictures that come as files stay on ComfyUI's disk: one is fine, those of a stream would fill it. */
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

  /** A picture of the request takes the place of one that ComfyUI does not have. */
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
        return isKnown ? [] : [this.#classProblem(name, nodes)];
      });
      problems.push(...(await Promise.all(some)).flat());
    }
    return problems;
  }

  async #textProblems({ texts }: ServerGraph, signal: AbortSignal): Promise<Problem[]> {
    if (texts.length === 0 || (await this.#knows(TEXT_NODE, signal))) return [];
    const problem = `needs ${TEXT_NODE}, which the ComfyUI at COMFYUI_URL does not have: update it`;
    return [{ nodes: texts, message: `SaveTextTensor ${problem}`, problem }];
  }

  #classProblem(name: string | null, nodes: readonly string[]): Problem {
    const rest =
      name === null
        ? "no class_type; every node needs one"
        : `the class ${shortened(name, 60)}, which the ComfyUI at COMFYUI_URL does not have: install it there`;
    const ids = nodes.slice(0, MAX_NAMED).map((id) => shortened(id, 40));
    const more = nodes.length - ids.length;
    const which = ids.join(", ") + (more > 0 ? ` and ${more} more` : "");
    const message =
      nodes.length === 1 ? `node ${which} has ${rest}` : `nodes ${which} have ${rest}`;
    return { nodes, message, problem: `has ${rest}` };
  }

  async #knows(name: string, signal: AbortSignal): Promise<boolean> {
    if (this.#classes.has(name)) return true;
    if (!(await this.#client.knows(name, signal))) return false;
    this.#classes.add(name);
    return true;
  }

  /** Asks for what the outputs need, with outputs that cannot run. */
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

/**
 * What ComfyUI finds wrong with a graph.
 *
 * @param isMeant whether an error is no fault of the graph
 */
export function problemsOf(
  { nodeErrors, error }: { readonly nodeErrors: NodeErrors; readonly error?: PromptError },
  { sent }: ServerGraph,
  isMeant: (node: string, error: NodeError) => boolean = () => false,
): Problem[] {
  const nodes = Object.entries(nodeErrors);
  if (nodes.length === 0 && error !== undefined) {
    const message = cut(`${error.message} ${error.details}`.trim());
    return [{ nodes: [], message, problem: message }];
  }
  return nodes.flatMap(([id, { errors }]) =>
    errors
      .filter((one) => !isMeant(id, one))
      .map((one): Problem => {
        const node = sent.get(id);
        const problem = sentenceOf(one);
        const message = `${node === undefined ? `node ${id}` : nodeLabel(node)}: ${problem}`;
        const input = one.extra_info?.input_name;
        if (input === undefined) return { nodes: [id], message, problem };
        return { type: "custom_validation_failed", node: id, input, message, problem };
      }),
  );
}

/** ComfyUI's details begin with the name of the input, as a rule. */
function sentenceOf({ message, details, extra_info }: NodeError): string {
  const input = extra_info?.input_name ?? "";
  const rest = details.startsWith(input) ? details.slice(input.length) : details;
  const more = rest.replace(/^[\s:,-]+/, "");
  const what = more === "" ? message : `${message} (${more})`;
  return cut(input === "" ? what : `${input}: ${what}`);
}

function linkProblems({ sent, nodes }: ServerGraph): Problem[] {
  const problems: Problem[] = [...nodes.values()].flatMap((node) =>
    Object.entries(node.inputs).flatMap(([input, value]): Problem[] => {
      const [target] = linksOf({ ...node, inputs: { [input]: value } });
      if (target === undefined || nodes.has(target)) return [];
      const problem = `${shortened(input, 40)} links to node ${JSON.stringify(shortened(target, 40))}, which is not in the graph`;
      const message = `${nodeLabel(sent.get(node.id) ?? node)}: ${problem}`;
      return [{ type: "bad_linked_input", node: node.id, input, message, problem }];
    }),
  );
  depthFirst(nodes.keys(), {
    needs: (id) => linksOf(nodes.get(id)).filter((one) => nodes.has(one)),
    leave: () => {},
    cycle: (ids) => {
      const shown = ids.slice(0, MAX_NAMED).join(", ");
      const message = `each of these nodes needs the next, and the last the first: ${shown}; remove one of the links`;
      problems.push({
        nodes: ids,
        message,
        problem: "is part of a circle: remove one of the links",
      });
    },
  });
  return problems;
}

function outputProblems({ pictures, texts }: ServerGraph): Problem[] {
  if (pictures.length + texts.length > 0) return [];
  const message =
    "no node of the graph gives a picture back; add SaveImage, PreviewImage or SaveTensor";
  return [{ nodes: [], message, problem: message }];
}

function withoutVideo({ sent, live }: ServerGraph): Problem[] {
  if (live.length === 0) return [];
  const labels = live.flatMap((id) => sent.get(id) ?? []).map(nodeLabel);
  const message = `there is no video or picture for ${labels.join(", ")}: send one, or load a file`;
  const problem = "has no video or picture to read: send one, or load a file";
  return [{ nodes: live, message, problem }];
}

/** As `parseGraph`; the error names the field. */
function readable(json: string, field: string): Graph {
  try {
    return parseGraph(json);
  } catch (error) {
    throw error instanceof WorkerError ? unreadable(error, field) : error;
  }
}

const cut = (text: string): string => shortened(text, MAX_PROBLEM_CHARACTERS);
