/**
 * Fuses an instance normalisation that is written out in arithmetic into one InstanceNormalization.
 *
 *     x = Conv(…)                                    [n, c, h, w]
 *     d = x − mean(x)                                means over height and width
 *     y = d / √(mean(d²) + ε) · scale + shift        one number a channel; both are optional
 *
 * Written out, it reads and writes the whole tensor seven times. Conditional normalisation, whose scale and shift are
 * computed from an input, is included.
 */
import type { NodeProto } from "onnx-buf";
import { type GraphBuilder, type Value, value } from "./graph-builder.ts";
import { attributeOf, type GraphEditor, intsOf } from "./graph-fusion-editor.ts";

/** Adds nodes that compute a vector with one element a channel. */
type Vector = (graph: GraphBuilder) => Value;

/** What the pattern has found so far: the node that makes the result, and the vectors applied by then. */
interface Match {
  readonly last: NodeProto;
  readonly scale?: Vector;
  readonly shift?: Vector;
}

/** Looks for the pattern around `root`, its square root. */
export function fuseInstanceNorm(editor: GraphEditor, root: NodeProto): void {
  if (root.opType !== "Sqrt") return;
  const sum = only(editor, root.input[0], "Add");
  const [variance, epsilon] = withConstant(editor, sum);
  const squares = spatialMean(editor, variance);
  const deviation = squared(editor, squares);
  const difference = editor.producer(deviation, "Sub");
  const [x, mean] = difference?.input ?? [];
  if (epsilon === undefined || x === undefined || spatialMean(editor, mean) !== x) return;
  const channels = outputChannels(editor, x);
  const normalised = quotient(editor, root, deviation);
  if (channels === undefined || normalised === undefined) return;
  const { last, scale, shift } = affine(editor, normalised, channels);

  editor.replace(last, (graph) => {
    const fill = (element: number): Value =>
      graph.constant("float32", [channels], new Array<number>(channels).fill(element));
    return graph.node(
      "InstanceNormalization",
      [value(x), scale?.(graph) ?? fill(1), shift?.(graph) ?? fill(0)],
      { epsilon },
    );
  });
}

/** The producer of a value with this operator and a single use. */
function only(editor: GraphEditor, name: string | undefined, op: string): NodeProto | undefined {
  return editor.uses(name) === 1 ? editor.producer(name, op) : undefined;
}

/** The operand of a commutative node whose other operand is one number, and that number. */
function withConstant(
  editor: GraphEditor,
  node: NodeProto | undefined,
): readonly [of: string | undefined, constant: number | undefined] {
  const [a, b] = node?.input ?? [];
  const right = editor.scalar(b);
  return right === undefined ? [b, editor.scalar(a)] : [a, right];
}

/** What `name` is the mean of, over height and width, with both kept as dimensions of 1. */
function spatialMean(editor: GraphEditor, name: string | undefined): string | undefined {
  const pool = only(editor, name, "GlobalAveragePool");
  if (pool !== undefined) return pool.input[0];
  const mean = only(editor, name, "ReduceMean");
  if (mean === undefined || attributeOf(mean, "keepdims")?.i === 0n) return undefined;
  // The axes became an input in operator set 18.
  const axes = editor.opset < 18 ? intsOf(mean, "axes", []) : editor.ints(mean.input[1]);
  const spatial = axes?.map((axis) => (axis + 4) % 4).sort((a, b) => a - b);
  return spatial?.join() === "2,3" ? mean.input[0] : undefined;
}

/** `d`, where the value is d² and nothing but the square and one more node uses d. */
function squared(editor: GraphEditor, name: string | undefined): string | undefined {
  const power = only(editor, name, "Pow");
  const product = only(editor, name, "Mul");
  const base = (power ?? product)?.input[0];
  const isSquare =
    power === undefined ? product?.input[1] === base : editor.scalar(power.input[1]) === 2;
  return isSquare && editor.uses(base) === (power === undefined ? 3 : 2) ? base : undefined;
}

/** The channels of a float32 picture [n, c, h, w] that a convolution makes. */
function outputChannels(editor: GraphEditor, name: string): number | undefined {
  const weights = editor.producer(name, "Conv")?.input[1];
  const dims = editor.constantDims(weights);
  return dims?.length === 4 && editor.isFloat(weights) ? dims[0] : undefined;
}

/** The node that divides `deviation` by the root, or multiplies it by the root's reciprocal. */
function quotient(
  editor: GraphEditor,
  root: NodeProto,
  deviation: string | undefined,
): NodeProto | undefined {
  const next = editor.consumer(root.output[0]);
  if (next?.opType === "Div" && next.input[0] === deviation) return next;
  const inverts =
    next?.opType === "Reciprocal" || (next?.opType === "Div" && editor.scalar(next.input[0]) === 1);
  const product = inverts ? editor.consumer(next?.output[0]) : undefined;
  const multiplies = product?.opType === "Mul" && product.input.includes(deviation ?? "");
  return multiplies ? product : undefined;
}

/** Follows the multiplication and the addition of one number a channel, where they are there. */
function affine(editor: GraphEditor, normalised: NodeProto, channels: number): Match {
  const multiplied = applied(editor, normalised, "Mul", channels);
  const scaled = multiplied?.node ?? normalised;
  const added = applied(editor, scaled, "Add", channels);
  return {
    last: added?.node ?? scaled,
    ...(multiplied && { scale: multiplied.vector }),
    ...(added && { shift: added.vector }),
  };
}

function applied(
  editor: GraphEditor,
  before: NodeProto,
  op: "Mul" | "Add",
  channels: number,
): { node: NodeProto; vector: Vector } | undefined {
  const [result] = before.output;
  const node = editor.consumer(result);
  if (node?.opType !== op) return undefined;
  const vector = channelVector(editor, node.input.find((name) => name !== result) ?? "", channels);
  return vector && { node, vector };
}

/** The vector behind a value that is certainly [1, c, 1, 1] or [c, 1, 1]; undefined for all others. */
function channelVector(editor: GraphEditor, name: string, channels: number): Vector | undefined {
  const reshaped = (from: string): Vector => {
    return (graph) =>
      graph.node("Reshape", [value(from), graph.constant("int64", [1], [channels])]);
  };
  const dims = editor.constantDims(name)?.join();
  if (dims === `1,${channels},1,1` || dims === `${channels},1,1`) return reshaped(name);
  const reshape = editor.producer(name, "Reshape");
  const from = reshape?.input[0] ?? "";
  const shape = editor.ints(reshape?.input[1])?.join();
  if (shape === `1,${channels},1,1`) return reshaped(from);
  if (shape === `-1,${channels},1,1`) {
    // A value with more elements would be one vector a picture.
    return editor.constantDims(from)?.join() === `${channels}` ? reshaped(from) : undefined;
  }
  if (shape !== "1,-1,1,1") return undefined;
  // One number for all channels would have been broadcast.
  return (graph) => {
    const flat = graph.node("Reshape", [value(from), graph.constant("int64", [1], [-1])]);
    return graph.node("Expand", [flat, graph.constant("int64", [1], [channels])]);
  };
}
