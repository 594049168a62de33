/** Builds the errors that refuse graphs: one message for all problems, and an entry of `details` for each problem of a node. */
import { WorkerError } from "../../errors.ts";
import type { FieldProblem } from "../../field-problem.ts";
import type { GraphUse } from "../protocol/work.ts";
import type { CheckedNode } from "./check-node.ts";
import { type Graph, type GraphNode, nodeLabel, shownValue } from "./graph.ts";
import { describeProblems, type Problem } from "./problem.ts";

const MAX_LISTED = 10;
/** A graph of a thousand nodes can have several thousand problems. */
const MAX_DETAILS = 100;

/** A problem of nodes that each are in order, but cannot run here or now. */
type Refusal = Pick<Problem, "message" | "problem"> & { readonly nodes: readonly string[] };

/** The nodes are known, and nothing runs them. */
export const notRunnable = (nodes: readonly CheckedNode[]): Refusal => ({
  nodes: nodes.map(({ id }) => id),
  message: `these nodes are known, but do not run here: ${listed(nodes)}; GET /nodes lists those that do`,
  problem: "is known, but does not run here; GET /nodes lists the classes that do",
});

const OUTSIDE = {
  stream: { what: "video", way: "give input_url" },
  picture: { what: "picture", way: "give image" },
} as const;

/** The nodes, as they were sent, read the video of a stream or the picture of a request, and there is none. */
export function withoutVideo(nodes: readonly GraphNode[], kind: GraphUse["kind"]): Refusal[] {
  const { what, way } = OUTSIDE[kind];
  const loaders = nodes.filter(({ className }) => className === "LoadImage");
  const others = nodes.filter(({ className }) => className !== "LoadImage");
  const refusals = loaders.map((node): Refusal => {
    const { image } = node.inputs;
    const file = typeof image === "string" ? `put ${shownValue(image)}` : "name a file that is";
    const problem = `the only LoadImage stands for the ${what}, and there is none: ${way}, or ${file} in workspace/input`;
    return { nodes: [node.id], message: `${nodeLabel(node)}: ${problem}`, problem };
  });
  if (others.length === 0) return refusals;
  const labels = listed(others.map((node) => ({ label: nodeLabel(node) })));
  const ways = `${way}, or load a file with LoadImage`;
  const message = `there is no ${what} for ${labels}: ${ways}`;
  const problem = `has no ${what} to read: ${ways}`;
  return [...refusals, { nodes: others.map(({ id }) => id), message, problem }];
}

export interface SentGraph {
  /** As it was sent: its nodes have the classes that the sender knows. */
  readonly graph: Graph;
  /** Its place in the request. */
  readonly field: string;
}

/** What does not run here of a graph. */
interface Lack {
  /** Each once. */
  readonly classes: readonly string[];
  /** Their nodes, as an error. */
  readonly lack: WorkerError;
}

/** The error for a graph with nodes that do not run here: another program may run it. */
export class LacksNodes extends WorkerError implements Lack {
  readonly classes: readonly string[];
  readonly lack: WorkerError;
  /** The message without the way out. */
  readonly problems: string;

  constructor({ message, details }: WorkerError, { classes, lack }: Lack) {
    const way = "a ComfyUI that has them can run the graph: start the server with COMFYUI_URL";
    super("invalid_request", `${message}; ${way}`, { details });
    this.classes = [...new Set(classes)];
    this.lack = lack;
    this.problems = message;
  }
}

/** An `invalid_request`. */
export function refused(problems: readonly (Problem | Refusal)[], sent: SentGraph): WorkerError {
  const details = Iterator.from(problems).flatMap((one) => detailsOf(one, sent));
  const message = `${sent.field}: ${describeProblems(problems)}`;
  return new WorkerError("invalid_request", message, { details: [...details.take(MAX_DETAILS)] });
}

/** One error for several graphs: `LacksNodes` if one of them is. */
export function combined(refusals: readonly WorkerError[]): WorkerError {
  const [only, ...others] = refusals;
  if (only !== undefined && others.length === 0) return only;
  const all = joined(refusals);
  const lacking = refusals.filter((one) => one instanceof LacksNodes);
  if (lacking.length === 0) return all;
  const classes = lacking.flatMap((one) => one.classes);
  return new LacksNodes(all, { classes, lack: joined(lacking.map(({ lack }) => lack)) });
}

function joined(refusals: readonly WorkerError[]): WorkerError {
  const details = refusals.flatMap((one) => one.details).slice(0, MAX_DETAILS);
  const messages = refusals.map((one) => (one instanceof LacksNodes ? one.problems : one.message));
  return new WorkerError("invalid_request", messages.join("; "), { details });
}

/** The same for a graph that could not be read. */
export function unreadable(error: WorkerError, field: string): WorkerError {
  const { message, details } = error;
  const sentences = details.length > 0 ? details : [{ problem: message }];
  return new WorkerError("invalid_request", `${field}: ${message}`, {
    cause: error,
    details: sentences.map((detail) => ({ ...detail, field })),
  });
}

function detailsOf(problem: Problem | Refusal, { graph, field }: SentGraph): FieldProblem[] {
  const text = { field, problem: problem.problem };
  const at = (id: string): FieldProblem => {
    const className = graph.get(id)?.className ?? null;
    return { ...text, node: id, ...(className !== null && { class_type: className }) };
  };
  if ("input" in problem) return [{ ...at(problem.node), input: problem.input }];
  return problem.nodes.length === 0 ? [text] : problem.nodes.map(at);
}

function listed(nodes: readonly Pick<CheckedNode, "label">[]): string {
  const labels = nodes.slice(0, MAX_LISTED).map(({ label }) => label);
  const more = nodes.length - labels.length;
  return more > 0 ? `${labels.join(", ")} and ${more} more` : labels.join(", ");
}
