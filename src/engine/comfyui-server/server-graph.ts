/** Rewrites a graph for a plain ComfyUI: the stream's nodes become nodes that every ComfyUI has. */
import { depthFirst } from "../graph/depth-first.ts";
import type { Graph, GraphNode } from "../graph/graph.ts";
import { forPicture, forStream, withoutPageNodes } from "../graph/rewrite.ts";
import type { GraphUse } from "../protocol/work.ts";

/** The node that brings pictures out: over the WebSocket, or as a file that is fetched. */
export type PictureNode = "SaveImageWebsocket" | "PreviewImage";

/** The node that brings texts out. */
export const TEXT_NODE = "PreviewAny";

const PICTURES: ReadonlySet<string | null> = new Set(["SaveTensor", "SaveImage", "PreviewImage"]);
const TEXTS: ReadonlySet<string | null> = new Set(["SaveTextTensor"]);

export interface ServerGraph {
  /** As it was sent. */
  readonly sent: Graph;
  /** With comfystream's nodes in place of those that read and show pictures, and without reroutes. */
  readonly nodes: Graph;
  /** Ids of the nodes that give the video's frame or the picture of the request. */
  readonly live: readonly string[];
  /** Ids of the nodes that give a picture back. */
  readonly pictures: readonly string[];
  /** Ids of the nodes that give a text back. */
  readonly texts: readonly string[];
}

/** @param hasImage whether ComfyUI has a picture of this name to load */
export function serverGraph(
  sent: Graph,
  use: GraphUse,
  hasImage: (name: string) => boolean,
): ServerGraph {
  const files = {
    list: () => [],
    find: (_: unknown, name: string) => (hasImage(name) ? name : null),
    content: () => undefined,
  };
  // Without a video or a picture in the request, a graph loads the file that it names.
  const replaced = !use.hasInput
    ? sent
    : use.kind === "stream"
      ? forStream(sent)
      : forPicture(sent, files);
  const nodes = withoutPageNodes(replaced);
  const idsOf = (classes: ReadonlySet<string | null>): string[] =>
    [...nodes.values()].filter(({ className }) => classes.has(className)).map(({ id }) => id);
  return {
    sent,
    nodes: new Map([...nodes].filter(([, node]) => node.className !== "Reroute")),
    live: idsOf(new Set(["LoadTensor", "PrimaryInputLoadImage"])),
    pictures: idsOf(PICTURES),
    texts: idsOf(TEXTS),
  };
}

/** Names of the pictures that the graph loads. */
export const imagesOf = (graph: Graph): string[] =>
  [...graph.values()].flatMap(({ className, inputs: { image } }) =>
    className === "LoadImage" && typeof image === "string" ? [image] : [],
  );

/** Classes that ComfyUI must know, each with the nodes that have it. */
export function classesOf({ nodes, live, pictures, texts }: ServerGraph): Map<string, string[]> {
  const ours = new Set([...live, ...pictures, ...texts]);
  const found = new Map<string, string[]>();
  for (const { id, className } of nodes.values()) {
    if (ours.has(id) || className === null) continue;
    const ids = found.get(className);
    if (ids === undefined) found.set(className, [id]);
    else ids.push(id);
  }
  return found;
}

/** Ids of the nodes that give something back. */
export const outputsOf = ({
  pictures,
  texts,
}: Pick<ServerGraph, "pictures" | "texts">): string[] => [...pictures, ...texts];

/**
 * The graph in the form of `POST /prompt`.
 *
 * @param frame the name of the file with the frame, below ComfyUI's input folder
 */
export function runnableGraph(graph: ServerGraph, frame: string, saves: PictureNode): object {
  return prompt(graph, graph.nodes.keys(), frame, {
    picture: ({ inputs }) => ({ class_type: saves, inputs: { images: inputs["images"] } }),
    text: ({ inputs }) => ({ class_type: TEXT_NODE, inputs: { source: inputs["data"] } }),
  });
}

/** What is missing on purpose from the outputs of `triedGraph`, which are SaveImage nodes. */
export const TRIAL_GAPS = { picture: "filename_prefix", text: "images" } as const;
/** The input that has a text's `data` there. */
export const TRIED_TEXT = "filename_prefix";

/** The graph without nodes at which ComfyUI's validation would stop, and without links to them and to nowhere. */
export interface TriableGraph {
  readonly graph: ServerGraph;
  /** Inputs that were left out, as `inputKey` names them: ComfyUI misses them. */
  readonly leftOut: ReadonlySet<string>;
}

/** @param faulty ids of the nodes to leave out */
export function triable(graph: ServerGraph, faulty: ReadonlySet<string>): TriableGraph {
  const leftOut = new Set<string>();
  const kept = [...graph.nodes.values()].filter(({ id }) => !faulty.has(id));
  const ids = new Set(kept.map(({ id }) => id));
  for (const node of kept) {
    for (const [input, target] of linkedInputs(node)) {
      if (!ids.has(target)) leftOut.add(inputKey(node.id, input));
    }
  }
  const nodes = kept.map((node) => {
    const inputs = Object.entries(node.inputs).filter(
      ([name]) => !leftOut.has(inputKey(node.id, name)),
    );
    return [node.id, { ...node, inputs: Object.fromEntries(inputs) }] as const;
  });
  const among = (all: readonly string[]) => all.filter((id) => ids.has(id));
  const { sent, live, pictures, texts } = graph;
  const outputs = { pictures: among(pictures), texts: among(texts) };
  return { graph: { sent, nodes: new Map(nodes), live, ...outputs }, leftOut };
}

/** Names an input of a node. */
export const inputKey = (node: string, input: string): string => JSON.stringify([node, input]);

/**
 * The graph with outputs that cannot run, since each lacks an input, and with what they need. ComfyUI validates
 * everything before them, reports what is wrong, and queues nothing.
 */
export function triedGraph(graph: ServerGraph, frame: string): object {
  const needed: string[] = [];
  depthFirst(outputsOf(graph), {
    needs: (id) => linksOf(graph.nodes.get(id)).filter((one) => graph.nodes.has(one)),
    leave: (id) => needed.push(id),
  });
  return prompt(graph, needed, frame, {
    picture: ({ inputs }) => ({ class_type: "SaveImage", inputs: { images: inputs["images"] } }),
    text: ({ inputs }) => ({
      class_type: "SaveImage",
      inputs: { [TRIED_TEXT]: inputs["data"] },
    }),
  });
}

/** The inputs of a node that are links, each with the id of the node that it names, whether that exists or not. */
export const linkedInputs = ({ inputs }: GraphNode): [input: string, target: string][] =>
  Object.entries(inputs).flatMap(([input, value]) =>
    Array.isArray(value) && value.length === 2 && typeof value[0] === "string"
      ? [[input, value[0]]]
      : [],
  );

/** Ids of the nodes that a node needs, whether they exist or not. */
export const linksOf = (node: GraphNode | undefined): string[] =>
  node === undefined ? [] : linkedInputs(node).map(([, target]) => target);

interface PromptNode {
  readonly class_type: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
}

function prompt(
  { nodes, live, pictures, texts }: ServerGraph,
  ids: Iterable<string>,
  frame: string,
  outputs: Record<"picture" | "text", (node: GraphNode) => PromptNode>,
): Record<string, PromptNode> {
  const promptNode = (node: GraphNode): PromptNode => {
    if (live.includes(node.id)) return { class_type: "LoadImage", inputs: { image: frame } };
    if (pictures.includes(node.id)) return outputs.picture(node);
    if (texts.includes(node.id)) return outputs.text(node);
    return { class_type: node.className, inputs: node.inputs };
  };
  const found = [...ids].flatMap((id) => nodes.get(id) ?? []);
  return Object.fromEntries(found.map((node) => [node.id, promptNode(node)]));
}
