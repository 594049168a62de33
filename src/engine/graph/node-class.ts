/**
 * Describes a ComfyUI node class: its inputs and outputs. A description holds no code; `node-support.ts` registers what
 * runs a class. So a graph can be checked, and its faults explained, even if some of its classes do not run here.
 */
import type { InputDeclaration, SocketType } from "./input-declaration.ts";

export interface NodeClass {
  /** Where menus show it, in words of our own. */
  readonly category: string;
  /** By name, in the order in which ComfyUI lists them. */
  readonly inputs: Readonly<Record<string, InputDeclaration>>;
  readonly optional?: Readonly<Record<string, InputDeclaration>>;
  /** It takes inputs of any other name too, such as the parameters of a model. */
  readonly takesMore?: true;
  readonly outputs: readonly SocketType[];
  /** Where they differ from the types. */
  readonly outputNames?: readonly string[];
  /** A graph runs what its output nodes need. */
  readonly isOutput?: true;
  /** Its outputs change with every frame of the stream. */
  readonly isLive?: true;
  /** What differs here from the class of that name in ComfyUI. */
  readonly note?: string;
}

/** By the name that graphs have in `class_type`. */
export type NodeClasses = Readonly<Record<string, NodeClass>>;
