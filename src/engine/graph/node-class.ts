/** Defines what a ComfyUI node class is: its inputs and outputs, and what computes the outputs. */

import type { CheckedNode } from "./check-node.ts";
import type { GraphFiles } from "./graph-files.ts";
import type { Fragment } from "./image/node-inputs.ts";
import type { InputDeclaration, SocketType } from "./input-declaration.ts";
import type { NodeRunner } from "./run/node-runner.ts";

/**
 * One file in the folder `nodes` declares one class; `node-classes.ts` lists them. A class with neither `fragment` nor `run`
 * is known but does not run here: graphs that need it are checked, and refused with its name.
 */
export interface NodeClass {
  /** `class_type` in graphs. */
  readonly name: string;
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
  /** What an output node gives to answers and streams; absent: nothing. */
  readonly gives?: "pictures" | "texts";
  /** Its outputs change with every frame of the stream. */
  readonly isLive?: true;
  /** Graphs are rewritten before they run, so that nothing needs it: it runs nowhere, and is supported all the same. */
  readonly isRewritten?: true;
  /** What differs here from the class of that name in ComfyUI. */
  readonly note?: string;
  /**
   * Judges what declarations cannot say, such as the parameters of a model that another input names. Inputs that are at
   * fault by themselves are absent. Returns what is wrong with others: the input, and the predicate of a sentence.
   */
  readonly check?: (node: CheckedNode, files: GraphFiles) => readonly ValueFault[];
  /** Computes pictures and masks from others, as a part of an ONNX graph. */
  readonly fragment?: Fragment;
  /** Computes the outputs in the worker's thread: for everything that is not a fragment. */
  readonly run?: NodeRunner;
}

export type ValueFault = readonly [input: string, problem: string];

/** Classes by name: a `Map`, so that a graph cannot name a member of `Object.prototype`. */
export type NodeClasses = ReadonlyMap<string, NodeClass>;

/** Throws if two classes have the same name. */
export function byName(classes: readonly NodeClass[]): NodeClasses {
  const table = new Map(classes.map((nodeClass) => [nodeClass.name, nodeClass]));
  if (table.size === classes.length) return table;
  const twice = classes.find((one) => table.get(one.name) !== one);
  throw new Error(`two node classes have the name ${twice?.name}`);
}
