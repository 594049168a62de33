/** Describes one field of a request that is wrong, as error answers list them in `details`. */
import { Type } from "@sinclair/typebox";
import type { Immutable } from "./schema.ts";

/**
 * One field that is wrong: a dotted path into the request and a sentence that holds the value. In a ComfyUI graph, also
 * the node at fault.
 */
export const FieldProblem = Type.Object({
  field: Type.String(),
  problem: Type.String(),
  /** Id of the node. */
  node: Type.Optional(Type.String()),
  /** Class of the node, as the graph names it. */
  class_type: Type.Optional(Type.String()),
  /** Name of the node's input. */
  input: Type.Optional(Type.String()),
});
export type FieldProblem = Immutable<typeof FieldProblem>;
