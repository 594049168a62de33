/** Tells which node classes run here. The others are known so that errors can explain them. */
import type { CheckedNode } from "./check-node.ts";
import type { NodeClass } from "./node-class.ts";

const runsHere = ({ fragment, run }: NodeClass): boolean =>
  fragment !== undefined || run !== undefined;

/** Those of the nodes that nothing here runs. */
export const unsupported = (nodes: readonly CheckedNode[]): CheckedNode[] =>
  nodes.filter(({ nodeClass }) => !runsHere(nodeClass));

/** The classes that graphs may use here, for `GET /nodes`. */
export const runnable = (classes: Iterable<NodeClass>): NodeClass[] =>
  [...classes].filter((nodeClass) => nodeClass.isRewritten || runsHere(nodeClass));
