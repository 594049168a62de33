/** Describes problems of graphs for ComfyUI: those that it reports, and those that it explains badly or not at all. */
import { cut } from "../../shown-value.ts";
import { depthFirst } from "../graph/depth-first.ts";
import { nodeLabel, shownName } from "../graph/graph.ts";
import type { refused } from "../graph/refusal.ts";
import type { NodeError, NodeErrors, PromptError } from "./answers.ts";
import { linksOf, type ServerGraph, TEXT_NODE } from "./server-graph.ts";

export type Problem = Parameters<typeof refused>[0][number];

const MAX_PROBLEM_CHARACTERS = 400;
const MAX_NAMED = 8;

/**
 * What ComfyUI finds wrong with a graph.
 *
 * @param isMeant true for errors that are caused on purpose and are not the graph's fault
 */
export function problemsOf(
  { nodeErrors, error }: { readonly nodeErrors: NodeErrors; readonly error?: PromptError },
  { sent }: ServerGraph,
  isMeant: (node: string, error: NodeError) => boolean = () => false,
): Problem[] {
  const nodes = Object.entries(nodeErrors);
  if (nodes.length === 0 && error !== undefined) {
    const message = cut(`${error.message} ${error.details}`.trim(), MAX_PROBLEM_CHARACTERS);
    return [{ nodes: [], message, problem: message }];
  }
  return nodes.flatMap(([id, { errors }]) =>
    errors
      .filter((one) => !isMeant(id, one))
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

/** ComfyUI reports these as exceptions of Python. */
export function linkProblems({ sent, nodes }: ServerGraph): Problem[] {
  const problems: Problem[] = [...nodes.values()].flatMap((node) =>
    Object.entries(node.inputs).flatMap(([input, value]): Problem[] => {
      const [target] = linksOf({ ...node, inputs: { [input]: value } });
      if (target === undefined || nodes.has(target)) return [];
      const problem = `${shownName(input, 40)} links to node ${JSON.stringify(cut(target, 40))}, which is not in the graph`;
      const message = `${nodeLabel(sent.get(node.id) ?? node)}: ${problem}`;
      return [{ type: "bad_linked_input", node: node.id, input, message, problem }];
    }),
  );
  depthFirst(nodes.keys(), {
    needs: (id) => linksOf(nodes.get(id)).filter((one) => nodes.has(one)),
    leave: () => {},
    cycle: (ids) => {
      const shown = ids.slice(0, MAX_NAMED).join(", ");
      const message = `each of these nodes needs the next, and the last the first: ${shown}; remove one of the links`;
      problems.push({
        nodes: ids,
        message,
        problem: "is part of a circle: remove one of the links",
      });
    },
  });
  return problems;
}

export function outputProblems({ pictures, texts }: ServerGraph): Problem[] {
  if (pictures.length + texts.length > 0) return [];
  const message =
    "no node of the graph gives a picture back; add SaveImage, PreviewImage or SaveTensor";
  return [{ nodes: [], message, problem: message }];
}

export function withoutVideo({ sent, live }: ServerGraph): Problem[] {
  if (live.length === 0) return [];
  const labels = live.flatMap((id) => sent.get(id) ?? []).map(nodeLabel);
  const message = `there is no video or picture for ${labels.join(", ")}: send one, or load a file`;
  const problem = "has no video or picture to read: send one, or load a file";
  return [{ nodes: live, message, problem }];
}

/** ComfyUI does not have the class, or the nodes have none (null). */
export function classProblem(name: string | null, nodes: readonly string[]): Problem {
  const rest =
    name === null
      ? "no class_type; every node needs one"
      : `the class ${shownName(name, 60)}, which the ComfyUI at COMFYUI_URL does not have: install it there`;
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
