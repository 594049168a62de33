/** Reads ComfyUI graphs in API format. Whether their nodes make sense is for `validate.ts` to say. */
import { reason, WorkerError } from "../../errors.ts";
import { parseBounded } from "../../json-fault.ts";
import { type Graph, type GraphNode, shownName, shownValue } from "./graph.ts";

/** Of a graph as JSON. */
export const MAX_GRAPH_BYTES = 256 * 1024;
export const MAX_GRAPH_NODES = 1000;
const MAX_PROBLEMS = 10;

const HOW_TO_EXPORT =
  'this is the workflow as ComfyUI\'s page keeps it (lists "nodes" and "links"); send it in API format: ' +
  'in ComfyUI choose Workflow > Export (API), or "Save (API Format)" in older versions';

/**
 * Reads a graph from JSON. Integers beyond 2^53, such as seeds, stay exact: they become bigints.
 * Throws `invalid_request`.
 */
export function parseGraph(json: string): Graph {
  if (Buffer.byteLength(json) > MAX_GRAPH_BYTES) throw tooLarge();
  let parsed: unknown;
  try {
    parsed = parseBounded(json, exactIntegers);
  } catch (error) {
    throw invalid(`the graph is not valid JSON: ${reason(error)}`);
  }
  return toGraph(parsed);
}

/** As `parseGraph`, from a parsed value. Its large integers are as exact as its parser left them. */
export function readGraph(value: unknown): Graph {
  let json: string;
  try {
    json = JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner));
  } catch (error) {
    throw invalid(`the graph cannot be read: ${reason(error)}`); // it nests too deep, or is a circle
  }
  if (json !== undefined && Buffer.byteLength(json) > MAX_GRAPH_BYTES) throw tooLarge();
  return toGraph(value);
}

/** True for a graph in the format of ComfyUI's page, which only the page can convert. */
export const isPageFormat = (value: unknown): boolean =>
  isObject(value) && Array.isArray(value["nodes"]);

function toGraph(value: unknown): Graph {
  if (isPageFormat(value)) throw invalid(HOW_TO_EXPORT);
  if (!isObject(value)) {
    throw invalid(`a graph must be an object of nodes by id, got ${shownValue(value)}`);
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_GRAPH_NODES) {
    throw invalid(`the graph has ${entries.length} nodes; at most ${MAX_GRAPH_NODES} are allowed`);
  }
  const problems: UnreadableNode[] = [];
  const nodes = entries.map(([id, entry]) => readNode(id, entry, problems));
  if (problems.length > 0) throw refused(problems);
  return new Map(nodes.map((node) => [node.id, node]));
}

/** A node that is not what a node must be, or whose `member` is not. */
interface UnreadableNode {
  readonly node: string;
  readonly member: "" | "class_type" | "inputs";
  readonly problem: string;
}

/** A node, as far as it can be read; what cannot is added to `problems`. */
function readNode(id: string, entry: unknown, problems: UnreadableNode[]): GraphNode {
  const node = isObject(entry) ? entry : {};
  if (node !== entry) {
    const problem = `must be a node: an object with class_type and inputs, got ${shownValue(entry)}`;
    problems.push({ node: id, member: "", problem });
  }
  const { class_type: className, inputs = {}, _meta: meta } = node;
  if (className !== undefined && typeof className !== "string") {
    const problem = `must be the name of a node class, got ${shownValue(className)}`;
    problems.push({ node: id, member: "class_type", problem });
  }
  if (!isObject(inputs)) {
    const problem = `must be an object of inputs by name, got ${shownValue(inputs)}`;
    problems.push({ node: id, member: "inputs", problem });
  }
  const title = isObject(meta) ? meta["title"] : null;
  return {
    id,
    className: typeof className === "string" ? className : null,
    title: typeof title === "string" && title !== className ? title : null,
    inputs: isObject(inputs) ? inputs : {},
    rewrittenFrom: null,
  };
}

/** A reviver: `context.source` is the number as it was written. */
function exactIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const { source = "" } = context ?? {};
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const invalid = (message: string): WorkerError => new WorkerError("invalid_request", message);

const tooLarge = (): WorkerError =>
  invalid(
    `the graph is larger than ${MAX_GRAPH_BYTES / 1024} KiB of JSON; leave out what it does not need`,
  );

function refused(problems: readonly UnreadableNode[]): WorkerError {
  const shown = problems.slice(0, MAX_PROBLEMS).map(({ node, member, problem }) => {
    const field = [shownName(node, 40), member].filter(Boolean).join(".");
    const sentence = [member, problem].filter(Boolean).join(" ");
    return { message: `node ${field} ${problem}`, detail: { field, node, problem: sentence } };
  });
  const more = problems.length - shown.length;
  const message = shown.map((one) => one.message).join("; ");
  return new WorkerError("invalid_request", more > 0 ? `${message}; and ${more} more` : message, {
    details: shown.map(({ detail }) => detail),
  });
}
