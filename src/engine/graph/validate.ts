/**
 * Judges graphs as ComfyUI does (`validate_prompt` of 0.3.64) and reports all problems at once. It checks the nodes that
 * the output nodes need and ignores the others, with one exception: an unknown class anywhere makes the graph invalid.
 */

import { type Suggest, suggester } from "../../nearest-name.ts";
import { type CheckedNode, checkNode, type KnownNodes, type NodeCheck } from "./check-node.ts";
import { depthFirst } from "./depth-first.ts";
import { type Graph, nodeLabel, shownName } from "./graph.ts";
import type { NodeClass } from "./node-class.ts";
import { isOfAudio } from "./node-support.ts";
import type { GraphProblem, Problem } from "./problem.ts";

export interface Validation {
  /** ComfyUI's word for why the graph is refused; null if it is valid: then at least one output can run. */
  readonly refusal:
    | "invalid_prompt"
    | "prompt_no_outputs"
    | "prompt_outputs_failed_validation"
    | null;
  /** Output nodes that can run, by id. A valid graph may have others that cannot: `problems` says why. */
  readonly outputs: readonly string[];
  readonly failedOutputs: readonly string[];
  readonly problems: readonly Problem[];
  /** What the outputs need, by id: with converted values, and without the inputs at fault. */
  readonly nodes: ReadonlyMap<string, CheckedNode>;
  /** Each once: another program may know them. */
  readonly unknownClasses: readonly string[];
}

const MAX_NAMED = 8;
const NO_CLASS = { problem: "class_type is missing" };

/** Takes time in proportion to the size of the graph. */
export function validate(graph: Graph, known: KnownNodes): Validation {
  const suggest = suggester();
  const { problems: classProblems, unknownClasses } = checkClasses(graph, known, suggest);
  const wanted = [...graph.values()].filter((node) => classOf(node.className, known)?.isOutput);
  if (wanted.length === 0 && classProblems.length === 0)
    classProblems.push(noOutputs(graph, known));
  const checks = new Map<string, NodeCheck>();
  const broken = new Set<string>();
  const cycles: GraphProblem[] = [];
  depthFirst(
    wanted.map(({ id }) => id),
    {
      needs(id) {
        const node = graph.get(id);
        const nodeClass = classOf(node?.className, known);
        if (node?.className == null || nodeClass === undefined) return [];
        const check = checkNode(node, [node.className, nodeClass], graph, { ...known, suggest });
        checks.set(id, check);
        return check.node.links.values().map(({ node: needed }) => needed);
      },
      leave(id) {
        const check = checks.get(id);
        const fails = check === undefined || check.problems.length > 0;
        if (fails || check.node.links.values().some(({ node }) => broken.has(node))) broken.add(id);
      },
      cycle(ids) {
        cycles.push(cycleProblem(ids, graph));
        for (const id of ids) broken.add(id);
      },
    },
  );
  const ids = wanted.map(({ id }) => id);
  const outputs = ids.filter((id) => !broken.has(id));
  return {
    refusal: refusalOf(classProblems, outputs),
    outputs: classProblems.length > 0 ? [] : outputs,
    failedOutputs: ids.filter((id) => broken.has(id)),
    problems: [...classProblems, ...cycles, ...checks.values().flatMap(({ problems }) => problems)],
    nodes: new Map(checks.entries().map(([id, { node }]) => [id, node])),
    unknownClasses,
  };
}

function refusalOf(
  problems: readonly GraphProblem[],
  outputs: readonly string[],
): Validation["refusal"] {
  if (problems.some(({ type }) => type !== "no_outputs")) return "invalid_prompt";
  if (problems.length > 0) return "prompt_no_outputs";
  return outputs.length === 0 ? "prompt_outputs_failed_validation" : null;
}

const classOf = (
  name: string | null | undefined,
  { classes }: KnownNodes,
): NodeClass | undefined => (name == null ? undefined : classes.get(name));

/** Nodes without a class, or of one that is not known: one problem a class. */
function checkClasses(
  graph: Graph,
  { classes }: KnownNodes,
  suggest: Suggest,
): { problems: GraphProblem[]; unknownClasses: string[] } {
  const problems: GraphProblem[] = [];
  const unknown = new Map<string, string[]>();
  for (const { id, className, faults } of graph.values()) {
    if (className === null) {
      const [{ problem } = NO_CLASS] = faults;
      const message = `node ${shownName(id, 40)}: ${problem}`;
      problems.push({ type: "missing_class", nodes: [id], message, problem });
    } else if (!classes.has(className)) {
      const nodes = unknown.get(className);
      if (nodes === undefined) unknown.set(className, [id]);
      else nodes.push(id);
    }
  }
  for (const [name, nodes] of unknown) {
    const [first = ""] = nodes;
    const rest = `the class ${shownName(name, 60)}, ${unknownBecause(name, classes, suggest)}`;
    const problem = `has ${rest}`;
    const message =
      nodes.length === 1
        ? `node ${shownName(first, 40)} ${problem}`
        : `nodes ${listed(nodes)} have ${rest}`;
    problems.push({ type: "unknown_class", nodes, message, problem });
  }
  return { problems, unknownClasses: [...unknown.keys()] };
}

function unknownBecause(name: string, classes: KnownNodes["classes"], suggest: Suggest): string {
  if (isOfAudio(name)) return "and the audio of a stream is given to no graph";
  const meant = suggest(name, [...classes.keys()]);
  const way = meant === null ? "GET /nodes lists those that are" : `did you mean ${meant}?`;
  return `which is not known here; ${way}`;
}

function noOutputs(graph: Graph, { classes }: KnownNodes): GraphProblem {
  const some = ["SaveImage", "PreviewImage", "SaveTensor"].filter((name) => classes.has(name));
  const what = graph.size === 0 ? "the graph is empty" : "no node of the graph is an output";
  const message = `${what}; add one, such as ${some.join(", ")}`;
  return { type: "no_outputs", nodes: [], message, problem: message };
}

function cycleProblem(ids: readonly string[], graph: Graph): GraphProblem {
  const labels = ids.slice(0, MAX_NAMED).map((id) => {
    const node = graph.get(id);
    return node === undefined ? id : nodeLabel(node);
  });
  const more = ids.length - labels.length;
  const chain = more > 0 ? `${labels.join(", ")} and ${more} more` : labels.join(", ");
  const what =
    ids.length === 1
      ? `${chain} needs itself`
      : `each of these needs the next, and the last the first: ${chain}`;
  const problem = ids.length === 1 ? "needs itself" : "is part of a circle";
  const way = "remove one of the links";
  return {
    type: "dependency_cycle",
    nodes: ids,
    message: `${what}; ${way}`,
    problem: `${problem}: ${way}`,
  };
}

function listed(ids: readonly string[]): string {
  const more = ids.length - MAX_NAMED;
  const shown = ids.slice(0, MAX_NAMED).map((id) => shownName(id, 40));
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
