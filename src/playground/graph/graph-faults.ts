/** Sorts the problems of a refused graph by node. */
import type { FieldProblem } from "../../field-problem.ts";
import { closed, sentence } from "../sentence.ts";
import type { GraphNode } from "./read-graph.ts";

export interface GraphFaults {
  /** In sentences, by `keyOf` of the node. */
  readonly byNode: ReadonlyMap<string, readonly NodeFault[]>;
  /** Those of no node that is there. */
  readonly others: readonly string[];
}

export interface NodeFault {
  /** The input at fault; null where it is the node. */
  readonly input: string | null;
  /** It begins with the name of the input, if there is one. */
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

/** Of a graph that was accepted, and fails as it runs: the stream's error names the node as `node 3 "Mine" (KSampler)`. */
export function runProblem(error: string | undefined): FieldProblem[] {
  const [, node, reason] = /^node (.+?)(?: ".*?")? \([^)]*\): (.+)$/s.exec(error ?? "") ?? [];
  if (node === undefined || reason === undefined) return [];
  return [{ field: "prompts", node, problem: `cannot run: ${reason}` }];
}
