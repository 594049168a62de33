/**
 * Rewrites a convolution with few output channels so that it computes blocks of 2×2 pixels at once.
 *
 *     Conv(k×k, m channels)  becomes  Conv((k+1)×(k+1), stride 2, 4·m channels) → DepthToSpace(2) → Slice
 *
 * ONNX Runtime computes 8 or 16 channels where fewer are wanted. Each position of a block gets the kernel, shifted by
 * the position and filled up with zeros. The slice removes what is too much where the height or width
 * is odd; it is left out where both are known to be even.
 */
import type { NodeProto } from "onnx-buf";
import { type GraphBuilder, type Value, value } from "./graph-builder.ts";
import type { GraphEditor } from "./graph-fusion-editor.ts";
import { type PlainConv, plainConv, repeated } from "./graph-fusion-plain-conv.ts";

/** Four times as many still fit into a block of 16. */
const MOST_CHANNELS = 4;
/** With fewer weights per output, and with 1×1 kernels, rearranging the result costs what the convolution saves. */
const FEWEST_WEIGHTS = 64;
/** Slice takes its bounds as inputs from here on. */
const CROPPING_OPSET = 10;

export function splitNarrowConv(editor: GraphEditor, node: NodeProto): void {
  const conv = plainConv(editor, node);
  if (conv === undefined || conv.outputs > MOST_CHANNELS) return;
  const [height, width] = conv.kernel;
  if (height * width === 1 || conv.inputs * height * width < FEWEST_WEIGHTS) return;
  const [rows = 1, columns = 1] = editor.declaredDims(node.output[0])?.slice(2) ?? [];
  const isEven = rows % 2 === 0 && columns % 2 === 0;
  if (!isEven && editor.opset < CROPPING_OPSET) return;
  const [top = 0, left = 0, bottom = 0, right = 0] = conv.pads;
  const [input = ""] = node.input;

  editor.replace(node, (graph) => {
    const dims = [4 * conv.outputs, conv.inputs, height + 1, width + 1];
    const weights = graph.constant("float32", dims, shifted(conv.weights(), conv));
    const deep = graph.node("Conv", [value(input), weights, ...repeated(graph, conv.bias, 4)], {
      kernel_shape: [height + 1, width + 1].map(BigInt),
      strides: [2n, 2n],
      pads: [top, left, bottom + 1, right + 1].map(BigInt),
    });
    const blocks = graph.node("DepthToSpace", [deep], { blocksize: 2n });
    if (isEven) return blocks;
    const growth = [top + bottom - height + 1, left + right - width + 1];
    return crop(graph, blocks, value(input), growth);
  });
}

/** Crops height and width to those of `like`, plus `growth`. */
function crop(graph: GraphBuilder, from: Value, like: Value, growth: readonly number[]): Value {
  const pair = (a: number, b: number): Value => graph.constant("int64", [2], [a, b]);
  const one = (element: number): Value => graph.constant("int64", [1], [element]);
  const size = graph.node("Slice", [graph.node("Shape", [like]), one(2), one(4), one(0)]);
  const ends = graph.node("Add", [size, graph.constant("int64", [2], growth)]);
  return graph.node("Slice", [from, pair(0, 0), ends, pair(2, 3)]);
}

/** Kernels [2, 2, m, c, height + 1, width + 1] for the four positions of a block. */
function shifted(
  weights: ArrayLike<number>,
  { outputs, inputs, kernel: [height, width] }: PlainConv,
): number[] {
  const kernels = outputs * inputs;
  const area = (height + 1) * (width + 1);
  const result = new Array<number>(4 * kernels * area).fill(0);
  for (let phase = 0; phase < 4; phase++) {
    const corner = Math.floor(phase / 2) * (width + 1) + (phase % 2);
    for (let kernel = 0; kernel < kernels; kernel++) {
      const start = (phase * kernels + kernel) * area + corner;
      for (let tap = 0; tap < height * width; tap++) {
        const at = start + Math.floor(tap / width) * (width + 1) + (tap % width);
        result[at] = weights[kernel * height * width + tap] ?? 0;
      }
    }
  }
  return result;
}
