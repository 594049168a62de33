/**
 * Rewrites graphs before they are judged, as comfystream does: the video takes the place of the picture that a graph
 * loads, and what a graph saves or previews goes back into the stream. Each function returns a new graph.
 */
import type { Graph, GraphNode } from "./graph.ts";
import type { GraphFiles } from "./graph-files.ts";

/**
 * The graph as a stream runs it: every PrimaryInputLoadImage gives the video's frame, or without one the only LoadImage
 * does; SaveImage and PreviewImage give the stream's picture.
 *
 * @param files of a stream without video: a LoadImage whose file exists keeps it
 */
export function forStream(graph: Graph, files?: GraphFiles): Graph {
  const given = liveInput(graph, (node) => files === undefined || lacksFile(node, files));
  return mapNodes(graph, (node) => {
    if (given(node)) return live(node);
    return SHOWN.has(node.className) ? withClass(node, "SaveTensor") : node;
  });
}

/**
 * The graph as it runs for one request: what gives the video's frame in a stream gives the picture of the request.
 * A LoadImage whose file exists keeps it. Pictures are saved as the graph says.
 */
export function forPicture(graph: Graph, files: GraphFiles): Graph {
  const given = liveInput(graph, (node) => lacksFile(node, files));
  return mapNodes(graph, (node) => (given(node) ? live(node) : node));
}

const lacksFile = ({ inputs: { image } }: GraphNode, files: GraphFiles): boolean =>
  typeof image !== "string" || files.find("image", image) === null;

const live = (node: GraphNode): GraphNode => ({
  ...withClass(node, "LoadTensor"),
  inputs: {},
  faults: [],
});

const SHOWN: ReadonlySet<string | null> = new Set(["SaveImage", "PreviewImage"]);

/** Which nodes give the picture that comes from outside. */
function liveInput(
  graph: Graph,
  maySubstitute: (node: GraphNode) => boolean,
): (node: GraphNode) => boolean {
  const nodes = [...graph.values()];
  if (nodes.some(({ className }) => className === "PrimaryInputLoadImage")) {
    return ({ className }) => className === "PrimaryInputLoadImage";
  }
  const [only, ...others] = nodes.filter(({ className }) => className === "LoadImage");
  if (only === undefined || others.length > 0 || !maySubstitute(only)) return () => false;
  return (node) => node.id === only.id;
}

/** Comments, which are nodes in ComfyUI's page alone. */
const NOTES: ReadonlySet<string | null> = new Set(["Note", "MarkdownNote"]);

/**
 * Notes and reroutes are there for whoever looks at the page, which leaves them out of what it sends to ComfyUI; graphs
 * that other programs convert have them. Notes go. Each link to a Reroute becomes a link to what it passes on: the nodes
 * stay, but nothing needs them, unless they lead nowhere or in a circle.
 */
export function withoutPageNodes(sent: Graph): Graph {
  const hasNotes = sent.values().some(({ className }) => NOTES.has(className));
  const graph = hasNotes
    ? new Map(sent.entries().filter(([, { className }]) => !NOTES.has(className)))
    : sent;
  const sources = new Map<string, unknown>();
  for (const { id, className, inputs } of graph.values()) {
    if (className === "Reroute") sources.set(id, inputs[""] ?? Object.values(inputs)[0]);
  }
  if (sources.size === 0) return graph;
  return mapNodes(graph, (node) => ({
    ...node,
    inputs: Object.fromEntries(
      Object.entries(node.inputs).map(([name, value]) => [name, followed(value, sources)]),
    ),
  }));
}

/** The end of a chain of reroutes. */
function followed(value: unknown, sources: Map<string, unknown>): unknown {
  const chain: string[] = [];
  let end = value;
  while (isLink(end) && isLink(sources.get(end[0])) && !chain.includes(end[0])) {
    chain.push(end[0]);
    end = sources.get(end[0]);
  }
  // The next link to one of them is followed in one step.
  for (const id of chain) sources.set(id, end);
  return end;
}

const isLink = (value: unknown): value is readonly [string, unknown] =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === "string";

const mapNodes = (graph: Graph, change: (node: GraphNode) => GraphNode): Graph =>
  new Map(graph.values().map((node) => [node.id, change(node)]));

const withClass = (node: GraphNode, className: string): GraphNode => ({
  ...node,
  className,
  rewrittenFrom: node.className,
});
