/** Reads the text of a ComfyUI graph: its nodes with the places of their values in the text, and what is wrong with it. */
import { type Node, type ParseError, parseTree } from "jsonc-parser";
import { type SyntaxFault, syntaxFault } from "./syntax-fault.ts";

/** One value of a node's inputs. */
export interface GraphInput {
  readonly name: string;
  readonly kind: "text" | "number" | "switch" | "link" | "other";
  /** A text as it is, anything else as JSON: large integers stay exact. */
  readonly value: string;
  /** Where its JSON is in the text. */
  readonly offset: number;
  readonly length: number;
}

export interface GraphNode {
  /** Place of its graph in a list of graphs; 0 where there is one. */
  readonly place: number;
  readonly id: string;
  /** Empty where it is missing. */
  readonly className: string;
  /** As its author called it; empty where it has no name of its own. */
  readonly title: string;
  readonly inputs: readonly GraphInput[];
  /** Where it is in the text. */
  readonly offset: number;
}

/** Why the text cannot be sent. */
export type GraphFault =
  | SyntaxFault
  | { readonly kind: "empty" | "format"; readonly message: string };

/** A part of the text. */
export interface TextRange {
  readonly offset: number;
  readonly length: number;
}

export interface GraphReading {
  /** Null for a graph in API format, right or wrong. */
  readonly fault: GraphFault | null;
  /** Where each graph is in the text. */
  readonly graphs: readonly TextRange[];
  /** As far as they can be read, also where the text does not parse. */
  readonly nodes: readonly GraphNode[];
}

const HOW_TO_EXPORT =
  "This is a workflow as ComfyUI's page saves it. In ComfyUI choose Workflow > Export (API), " +
  'or "Save (API Format)" in older versions, and drop that file here.';
const NO_GRAPH = "This is not a graph in API format: an object of nodes by id.";

/** Reads a graph, or a list of graphs, alone or as `prompt` or `prompts` of a request. */
export function readGraph(text: string): GraphReading {
  if (text.trim() === "") return nothing({ kind: "empty", message: "" });
  const errors: ParseError[] = [];
  const tree = treeOf(text, errors);
  const graphs = tree === undefined ? [] : graphsIn(tree);
  const nodes = graphs.flatMap((graph, place) => nodesOf(graph, place, text));
  const [error] = errors;
  if (error !== undefined) return { fault: syntaxFault(text, error), graphs, nodes };
  if (graphs.some(isPageFormat)) return nothing({ kind: "format", message: HOW_TO_EXPORT });
  if (graphs.length === 0 || graphs.some(({ type }) => type !== "object"))
    return nothing({ kind: "format", message: NO_GRAPH });
  return { fault: null, graphs, nodes };
}

const nothing = (fault: GraphFault): GraphReading => ({ fault, graphs: [], nodes: [] });

/** True for text that is meant to be a graph, in API format or in the page's, or a request with one. */
export function looksLikeGraph(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  const { fault, nodes } = readGraph(withoutRequest(text));
  return fault?.message === HOW_TO_EXPORT || nodes.some(({ className }) => className !== "");
}

/** The text with another value for one input; `json` is the value as JSON. */
export const withInput = (text: string, { offset, length }: GraphInput, json: string): string =>
  text.slice(0, offset) + json + text.slice(offset + length);

/**
 * The graphs of a text without the request around them, such as ComfyUI's `{"prompt": …, "client_id": …}`; requests may
 * also have them as JSON in a string. Any other text comes back as it is.
 */
export function withoutRequest(text: string): string {
  const tree = treeOf(text, []);
  if (tree === undefined) return text;
  const inner = contentOf(tree);
  if (inner?.type === "string" && looksLikeGraph(textOf(inner)))
    return withoutRequest(textOf(inner));
  if (inner === null || !isNested(inner)) return text;
  const { offset, length } = inner;
  const json = text.slice(offset, offset + length);
  const indent = /\n([ \t]*)[\]}]$/.exec(json)?.[1] ?? "";
  return indent === "" ? json : json.replaceAll(`\n${indent}`, "\n");
}

/** The graphs of a tree, or what is in their place. */
function graphsIn(tree: Node): readonly Node[] {
  const inner = contentOf(tree);
  const content = inner !== null && isNested(inner) ? inner : tree;
  return content.type === "array" ? (content.children ?? []) : [content];
}

/** What a request has as its prompts; null for an object that is no request, such as a graph with a node called so. */
function contentOf(tree: Node): Node | null {
  const member = membersOf(tree).find(({ name }) => name === "prompt" || name === "prompts");
  const isNode = member !== undefined && membersOf(member.value).some(isClass);
  return member === undefined || isNode ? null : member.value;
}

const isNested = ({ type }: Node): boolean => type === "object" || type === "array";

const isClass = ({ name }: Member): boolean => name === "class_type";

function treeOf(text: string, errors: ParseError[]): Node | undefined {
  try {
    return parseTree(text, errors, { disallowComments: true });
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it nests too deeply for any graph
    throw error;
  }
}

function nodesOf(graph: Node, place: number, text: string): GraphNode[] {
  if (graph.type !== "object") return [];
  // Of two members with the same name the last one counts.
  const byId = new Map(membersOf(graph).map((member) => [member.name, member]));
  return [...byId.values()].flatMap(({ name: id, value }) => {
    if (value.type !== "object") return [];
    const members = new Map(membersOf(value).map((member) => [member.name, member.value]));
    const className = textOf(members.get("class_type"));
    const meta = members.get("_meta");
    const title = textOf(meta && membersOf(meta).find(({ name }) => name === "title")?.value);
    const inputs = members.get("inputs");
    return [
      {
        place,
        id,
        className,
        offset: value.offset,
        title: title === className ? "" : title,
        inputs: inputs === undefined ? [] : membersOf(inputs).map((one) => inputOf(one, text)),
      },
    ];
  });
}

function inputOf({ name, value }: Member, text: string): GraphInput {
  const { offset, length, type } = value;
  const json = text.slice(offset, offset + length);
  const kinds = { string: "text", number: "number", boolean: "switch", array: "link" } as const;
  const kind = kinds[type as keyof typeof kinds] ?? "other";
  return { name, kind, value: kind === "text" ? textOf(value) : json, offset, length };
}

interface Member {
  readonly name: string;
  readonly value: Node;
}

/** The members of an object; none of anything else. */
const membersOf = ({ type, children = [] }: Node): Member[] =>
  type !== "object"
    ? []
    : children.flatMap(({ children: [key, value] = [] }) =>
        key === undefined || value === undefined ? [] : [{ name: String(key.value), value }],
      );

const textOf = (node: Node | undefined): string =>
  node?.type === "string" ? String(node.value) : "";

const isPageFormat = (graph: Node): boolean =>
  membersOf(graph).some(({ name, value }) => name === "nodes" && value.type === "array");
