/** Reads a convolution whose kernels a rewrite can compute anew. */
import type { NodeProto } from "onnx-buf";
import type { GraphBuilder, Value } from "./graph-builder.ts";
import { attributeOf, type GraphEditor, intsOf, stringOf } from "./graph-fusion-editor.ts";

export interface PlainConv {
  readonly outputs: number;
  readonly inputs: number;
  /** Height and width. */
  readonly kernel: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly number[];
  /** Reads the weights [outputs, inputs, height, width] in row-major order. */
  readonly weights: () => ArrayLike<number>;
  readonly bias: ArrayLike<number> | null;
}

/** A 2D convolution of stride 1 without dilation and groups, with constant float32 weights; undefined for all others. */
export function plainConv(editor: GraphEditor, node: NodeProto): PlainConv | undefined {
  if (node.opType !== "Conv" || stringOf(node, "auto_pad", "NOTSET") !== "NOTSET") return undefined;
  if ((attributeOf(node, "group")?.i ?? 1n) !== 1n) return undefined;
  if (intsOf(node, "strides", [1, 1]).join() !== "1,1") return undefined;
  if (intsOf(node, "dilations", [1, 1]).join() !== "1,1") return undefined;
  const [outputs, inputs, height, width, ...more] = editor.constantDims(node.input[1]) ?? [];
  if (!outputs || !inputs || !height || !width || more.length > 0) return undefined;
  const [, weights = "", biasName = ""] = node.input;
  const bias = biasName === "" ? null : editor.floats(biasName);
  if (bias === undefined || !editor.holdsFloats(weights)) return undefined;
  return {
    outputs,
    inputs,
    kernel: [height, width],
    pads: intsOf(node, "pads", [0, 0, 0, 0]),
    weights: () => editor.floats(weights) ?? [],
    bias,
  };
}

/** The bias of a convolution with `times` as many output channels, as an optional input. */
export function repeated(
  graph: GraphBuilder,
  bias: ArrayLike<number> | null,
  times: number,
): [] | [Value] {
  if (bias === null) return [];
  const elements = new Array(times).fill(Array.from(bias)).flat() as number[];
  return [graph.constant("float32", [elements.length], elements)];
}
