/** Reports problems in the form of ComfyUI's `node_errors`: what its clients show at the node. */
import { depthFirst } from "./depth-first.ts";
import type { InputProblem } from "./problem.ts";
import type { Validation } from "./validate.ts";

export interface NodeErrors {
  readonly class_type: string;
  readonly errors: readonly {
    readonly type: InputProblem["type"];
    readonly message: string;
    /** The input's name. */
    readonly details: string;
    readonly extra_info: { readonly input_name: string };
  }[];
  /** The output nodes that cannot run because of this one. */
  readonly dependent_outputs: readonly string[];
}

/** By node id. Empty where a class is unknown or there is no output: as in ComfyUI, that is the whole graph's error. */
export function nodeErrors(validation: Validation): Record<string, NodeErrors> {
  const { refusal, problems, nodes, failedOutputs } = validation;
  if (refusal === "invalid_prompt" || refusal === "prompt_no_outputs") return {};
  const inputProblems = problems.filter((problem) => "input" in problem);
  const byNode = Map.groupBy(inputProblems, ({ node }) => node);
  const dependents = new Map([...byNode.keys()].map((id) => [id, [] as string[]]));
  for (const output of failedOutputs) {
    depthFirst([output], {
      needs: (id) => neededBy(id, validation),
      leave: (id) => dependents.get(id)?.push(output),
    });
  }
  return Object.fromEntries(
    [...byNode].map(([id, found]) => [
      id,
      {
        class_type: nodes.get(id)?.className ?? "",
        errors: found.map(({ type, message, input }) => ({
          type,
          message,
          details: input,
          extra_info: { input_name: input },
        })),
        dependent_outputs: dependents.get(id) ?? [],
      },
    ]),
  );
}

const neededBy = (id: string, { nodes }: Validation): Iterable<string> =>
  nodes
    .get(id)
    ?.links.values()
    .map(({ node }) => node) ?? [];
