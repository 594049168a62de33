/** Sorts the problems of a refused graph by node. */
import type { FieldProblem } from "../../field-problem.ts";
import { closed, sentence } from "../sentence.ts";
import type { GraphNode } from "./read-graph.ts";

export interface GraphFaults {
  /** By `keyOf` of the node. */
  readonly byNode: ReadonlyMap<string, readonly NodeFault[]>;
  /** Problems of no node in the graph. */
  readonly others: readonly string[];
}

export interface NodeFault {
  /** The input at fault; null if the problem concerns the whole node. */
  readonly input: string | null;
  /** A sentence, which begins with the name of the input if there is one. */
  readonly text: string;
}

/** Names a node within a list of graphs. */
export const keyOf = ({ place, id }: Pick<GraphNode, "place" | "id">): string => `${place}/${id}`;

/** The graph that a field names: `prompts.2` is the third one, `prompts` the only one. */
const placeOf = (field: string): number => Number(/^prompts?\.(\d+)/.exec(field)?.[1] ?? 0);

export function faultsOf(
  problems: readonly FieldProblem[],
  nodes: readonly GraphNode[],
): GraphFaults {
  const known = new Set(nodes.map(keyOf));
  const byNode = new Map<string, NodeFault[]>();
  const others: string[] = [];
  for (const { field, node, input = null, problem } of problems) {
    const key = node === undefined ? "" : keyOf({ place: placeOf(field), id: node });
    if (!known.has(key)) {
      others.push(sentence(node === undefined ? problem : `node ${node} ${problem}`));
      continue;
    }
    // An input's own name comes first.
    const text = input === null ? sentence(problem) : closed(problem);
    byNode.set(key, [...(byNode.get(key) ?? []), { input, text }]);
  }
  return { byNode, others };
}

/** The problem of a graph that fails at run time: the stream's error names the node as `node 3 "Mine" (KSampler)`. */
export function runProblem(error: string | undefined): FieldProblem[] {
  const [, node, reason] = /^node (.+?)(?: ".*?")? \([^)]*\): (.+)$/s.exec(error ?? "") ?? [];
  if (node === undefined || reason === undefined) return [];
  return [{ field: "prompts", node, problem: `cannot run: ${reason}` }];
}
