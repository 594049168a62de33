/** Describes what is wrong with a graph for ComfyUI: what its validation reports, and what it stops at without naming the rest. */
import { cut } from "../../shown-value.ts";
import { depthFirst } from "../graph/depth-first.ts";
import { nodeLabel, shownName } from "../graph/graph.ts";
import type { refused } from "../graph/refusal.ts";
import type { NodeError, NodeErrors, PromptError } from "./answers.ts";
import { linkedInputs, linksOf, outputsOf, type ServerGraph, TEXT_NODE } from "./server-graph.ts";

export type Problem = Parameters<typeof refused>[0][number];

const MAX_PROBLEM_CHARACTERS = 400;
const MAX_NAMED = 8;

/**
 * What ComfyUI finds wrong with a graph.
 *
 * @param ofGraph the error in the words of the graph as it was sent; null for one that is caused on purpose
 */
export function problemsOf(
  { nodeErrors, error }: { readonly nodeErrors: NodeErrors; readonly error?: PromptError },
  { sent }: ServerGraph,
  ofGraph: (node: string, error: NodeError) => NodeError | null = (_, error) => error,
): Problem[] {
  const nodes = Object.entries(nodeErrors);
  if (nodes.length === 0 && error !== undefined) {
    const message = cut(`${error.message} ${error.details}`.trim(), MAX_PROBLEM_CHARACTERS);
    return [{ nodes: [], message, problem: message }];
  }
  return nodes.flatMap(([id, { errors }]) =>
    errors
      .flatMap((one) => ofGraph(id, one) ?? [])
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
  return cut(input === "" ? what : `${input}: ${what}`, MAX_PROBLEM_CHARACTERS);
}

/** Nodes that could not be read. */
export const readingProblems = ({ nodes }: ServerGraph): Problem[] =>
  [...nodes.values()].flatMap(({ id, faults }) =>
    faults.map(({ problem }) => {
      return { nodes: [id], message: `node ${shownName(id, 40)}: ${problem}`, problem };
    }),
  );

/** Links to nodes that are not there, and circles, of what the outputs need. ComfyUI's validation fails at the first. */
export function linkProblems(graph: ServerGraph): Problem[] {
  const { sent, nodes } = graph;
  const problems: Problem[] = [];
  const circles: Problem[] = [];
  depthFirst(outputsOf(graph), {
    needs(id) {
      const node = nodes.get(id);
      if (node === undefined) return [];
      for (const [input, target] of linkedInputs(node)) {
        if (nodes.has(target)) continue;
        const problem = `${shownName(input, 40)} links to node ${JSON.stringify(cut(target, 40))}, which is not in the graph`;
        const message = `${nodeLabel(sent.get(id) ?? node)}: ${problem}`;
        problems.push({ type: "bad_linked_input", node: id, input, message, problem });
      }
      return linksOf(node).filter((target) => nodes.has(target));
    },
    leave: () => {},
    cycle(ids) {
      const shown = ids.slice(0, MAX_NAMED).join(", ");
      const message = `each of these nodes needs the next, and the last the first: ${shown}; remove one of the links`;
      const problem = "is part of a circle: remove one of the links";
      circles.push({ nodes: ids, message, problem });
    },
  });
  return [...problems, ...circles];
}

export function outputProblems(graph: ServerGraph): Problem[] {
  if (outputsOf(graph).length > 0) return [];
  const message =
    "no node of the graph gives a picture back; add SaveImage, PreviewImage or SaveTensor";
  return [{ nodes: [], message, problem: message }];
}

/** ComfyUI does not have the class of these nodes. `meant`: the one that the name may stand for. */
export function classProblem(
  name: string,
  nodes: readonly string[],
  meant: string | null,
): Problem {
  const way = meant === null ? "install it there" : `did you mean ${shownName(meant, 60)}?`;
  const rest = `the class ${shownName(name, 60)}, which the ComfyUI at COMFYUI_URL does not have: ${way}`;
  const ids = nodes.slice(0, MAX_NAMED).map((id) => shownName(id, 40));
  const more = nodes.length - ids.length;
  const which = ids.join(", ") + (more > 0 ? ` and ${more} more` : "");
  const message = nodes.length === 1 ? `node ${which} has ${rest}` : `nodes ${which} have ${rest}`;
  return { nodes, message, problem: `has ${rest}` };
}

/** ComfyUI is too old to give these nodes' texts. */
export function withoutTextNode(nodes: readonly string[]): Problem {
  const problem = `needs ${TEXT_NODE}, which the ComfyUI at COMFYUI_URL does not have: update it`;
  return { nodes, message: `SaveTextTensor ${problem}`, problem };
}
