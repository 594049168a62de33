/** Defines the registry of what runs the node classes. A class without an entry is known, but does not run here. */
import type { CheckedNode } from "./check-node.ts";
import type { Step } from "./execution-order.ts";
import type { NodeClass } from "./node-class.ts";

/**
 * Turns one node into its part of a plan.
 *
 * @typeParam Context what the plan's compiler lends to a node: the outputs of the nodes that it needs, models, the graph
 *   of tensors under construction
 * @typeParam Output one output of a node, as the nodes that need it see it
 */
export interface NodeCompiler<Context, Output> {
  /** One entry for each output of the class. Throws `invalid_request` for values that cannot be run here. */
  compile(node: CheckedNode, context: Context): readonly Output[];
}

/** By class name. */
export type NodeCompilers<Context, Output> = ReadonlyMap<string, NodeCompiler<Context, Output>>;

/** Anything keyed by class name; a registry of compilers, above all. */
export interface Registry {
  has(className: string): boolean;
}

/** The nodes that nothing here runs, of those that the outputs need. */
export const unsupported = (steps: readonly Step[], compilers: Registry): CheckedNode[] =>
  steps.map(({ node }) => node).filter(({ className }) => !compilers.has(className));

/** The classes that run here, for `GET /nodes`. */
export const runnable = (
  classes: Iterable<readonly [string, NodeClass]>,
  compilers: Registry,
): (readonly [string, NodeClass])[] =>
  [...classes].filter(([className]) => compilers.has(className));
