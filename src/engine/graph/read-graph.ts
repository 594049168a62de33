/** Reads ComfyUI graphs in API format. `validate.ts` judges their nodes, also those that could not be read. */
import { reason, WorkerError } from "../../errors.ts";
import { parseBounded } from "../../json-fault.ts";
import { type Graph, type GraphNode, type NodeFault, shownValue } from "./graph.ts";

/** Of a graph as JSON. */
export const MAX_GRAPH_BYTES = 256 * 1024;
export const MAX_GRAPH_NODES = 1000;

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
  return new Map(entries.map(([id, entry]) => [id, readNode(id, entry)]));
}

function readNode(id: string, entry: unknown): GraphNode {
  const node = isObject(entry) ? entry : {};
  const { class_type: className, inputs, _meta: meta } = node;
  const title = isObject(meta) ? meta["title"] : null;
  return {
    id,
    className: typeof className === "string" ? className : null,
    title: typeof title === "string" && title !== className ? title : null,
    inputs: isObject(inputs) ? inputs : {},
    rewrittenFrom: null,
    faults: isObject(entry) ? memberFaults(node) : [faultOf("node", entry)],
  };
}

const memberFaults = (node: Readonly<Record<string, unknown>>): NodeFault[] => [
  ...(typeof node["class_type"] === "string" ? [] : [faultOf("class_type", node["class_type"])]),
  ...(isObject(node["inputs"]) ? [] : [faultOf("inputs", node["inputs"])]),
];

function faultOf(part: NodeFault["part"], value: unknown): NodeFault {
  const subject = part === "node" ? "" : `${part} `;
  const problem =
    value === undefined
      ? `${subject}is missing: give ${EXPECTED[part]}`
      : `${subject}must be ${EXPECTED[part]}, got ${shownValue(value)}`;
  return { part, problem };
}

const EXPECTED = {
  node: "a node: an object with class_type and inputs",
  class_type: "the name of a node class",
  inputs: "an object of inputs by name",
} as const satisfies Record<NodeFault["part"], string>;

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
