/** Puts the nodes that the outputs need in order, and marks those that run for every frame; the others run once. */
import type { CheckedNode } from "./check-node.ts";
import { depthFirst } from "./depth-first.ts";

/** One node to run, after all that it needs. */
export interface Step {
  readonly node: CheckedNode;
  /** It or something it needs changes with every frame; otherwise its outputs stay as they are after one run. */
  readonly isLive: boolean;
}

export interface OrderOptions {
  /** True for nodes that change with every frame by themselves; the default is what their class says. */
  readonly isSource?: (node: CheckedNode) => boolean;
}

/**
 * The same graph always gives the same order. Inputs that a class does not know are not followed. The outputs are ones
 * that can run (`Validation.outputs`).
 */
export function executionOrder(
  {
    nodes,
    outputs,
  }: {
    readonly nodes: ReadonlyMap<string, CheckedNode>;
    readonly outputs: readonly string[];
  },
  { isSource = ({ nodeClass }) => nodeClass.isLive === true }: OrderOptions = {},
): Step[] {
  const steps = new Map<string, Step>();
  depthFirst(outputs, {
    needs: (id) =>
      nodes
        .get(id)
        ?.links.values()
        .map(({ node }) => node) ?? [],
    leave(id) {
      const node = nodes.get(id);
      if (node === undefined) throw new Error(`node ${id} was not checked`);
      const isLive =
        isSource(node) || node.links.values().some((one) => steps.get(one.node)?.isLive === true);
      steps.set(id, { node, isLive });
    },
  });
  return [...steps.values()];
}
