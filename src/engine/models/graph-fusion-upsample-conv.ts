/**
 * Fuses an enlargement to twice the size and the 3×3 convolution behind it into a convolution of the small picture.
 *
 *     Resize(nearest, ×2) → Pad(1) → Conv(3×3)  becomes  Pad(1) → Conv(3×3, 4 × the channels) → DepthToSpace(2)
 *
 * Neighbouring rows and columns of the enlarged picture are equal, so the taps of the kernel that meet the same sample
 * are added up: one kernel for each of the four positions in a block of 2×2.
 */
import type { NodeProto } from "onnx-buf";
import { type GraphBuilder, type Value, value } from "./graph-builder.ts";
import { attributeOf, type GraphEditor, stringOf } from "./graph-fusion-editor.ts";
import { padsOf } from "./graph-fusion-pads.ts";
import { plainConv, repeated } from "./graph-fusion-plain-conv.ts";

/**
 * With up to this many output channels, the convolution itself gets cheaper: ONNX Runtime computes 8 or 16 channels where
 * fewer are wanted. With more it pays only where a Pad keeps the enlarged picture from staying in blocked layout.
 */
const FEW_CHANNELS = 8;

export function fuseUpsampleConv(editor: GraphEditor, node: NodeProto): void {
  const conv = plainConv(editor, node);
  if (conv === undefined || conv.kernel.join() !== "3,3") return;
  const border = paddedBorder(editor, node.input[0]);
  const small = doubled(editor, border?.of ?? node.input[0]);
  if (small === undefined) return;
  const pads = conv.pads.join();
  if (pads !== (border === undefined ? "1,1,1,1" : "0,0,0,0")) return;
  if (border === undefined && conv.outputs > FEW_CHANNELS) return;

  editor.replace(node, (graph) => {
    const dims = [4 * conv.outputs, conv.inputs, 3, 3];
    const weights = graph.constant(
      "float32",
      dims,
      phases(conv.weights(), conv.outputs, conv.inputs),
    );
    const bias = repeated(graph, conv.bias, 4);
    const padded = border === undefined ? value(small) : padByEdge(graph, small, editor.opset);
    const deep = graph.node("Conv", [padded, weights, ...bias], {
      kernel_shape: [3n, 3n],
      pads: conv.pads.map(BigInt),
    });
    return graph.node("DepthToSpace", [deep], { blocksize: 2n });
  });
}

/**
 * The value that a Pad extends by one row and column on each side. Reflected or repeated, they are the outermost rows
 * of the enlarged picture again, since the outermost two are equal.
 */
function paddedBorder(editor: GraphEditor, name: string | undefined): { of: string } | undefined {
  const pad = editor.uses(name) === 1 ? editor.producer(name, "Pad") : undefined;
  const [of = "", , , axes = ""] = pad?.input ?? [];
  if (pad === undefined || axes !== "" || editor.uses(of) !== 1) return undefined;
  if (!["reflect", "edge"].includes(stringOf(pad, "mode", "constant"))) return undefined;
  return padsOf(editor, pad)?.join() === "0,0,1,1,0,0,1,1" ? { of } : undefined;
}

/** The value that a Resize or Upsample enlarges so that each sample becomes a block of 2×2. */
function doubled(editor: GraphEditor, name: string | undefined): string | undefined {
  if (editor.uses(name) !== 1) return undefined;
  const resize = editor.producer(name, "Resize") ?? editor.producer(name, "Upsample");
  if (resize === undefined || stringOf(resize, "mode", "nearest") !== "nearest") return undefined;
  const [from, second, third, sizes = ""] = resize.input;
  const byInput = resize.opType === "Upsample" || editor.opset < 11;
  const scales = editor.floats(byInput ? second : third);
  if (sizes !== "" || scales === undefined || Array.from(scales).join() !== "1,1,2,2")
    return undefined;
  if (attributeOf(resize, "axes") !== undefined) return undefined;
  return byInput || takesEachTwice(resize) ? from : undefined;
}

/** Whether each sample is taken twice: the rule before operator set 11, and of some of the later modes. */
function takesEachTwice(resize: NodeProto): boolean {
  const position = stringOf(resize, "coordinate_transformation_mode", "half_pixel");
  const rounding = stringOf(resize, "nearest_mode", "round_prefer_floor");
  return position === "asymmetric"
    ? rounding === "floor" || rounding === "round_prefer_floor"
    : ["half_pixel", "pytorch_half_pixel"].includes(position) && rounding === "round_prefer_floor";
}

function padByEdge(graph: GraphBuilder, from: string, opset: number): Value {
  const pads = [0, 0, 1, 1, 0, 0, 1, 1];
  return opset < 11
    ? graph.node("Pad", [value(from)], { mode: "edge", pads: pads.map(BigInt) })
    : graph.node("Pad", [value(from), graph.constant("int64", [8], pads)], { mode: "edge" });
}

/** Kernels [2, 2, m, c, 3, 3] for the four positions, of kernels [m, c, 3, 3] for the enlarged picture. */
function phases(weights: ArrayLike<number>, outputs: number, inputs: number): number[] {
  const kernels = outputs * inputs;
  const result = new Array<number>(4 * kernels * 9).fill(0);
  for (let phase = 0; phase < 4; phase++) {
    for (let kernel = 0; kernel < kernels; kernel++) {
      for (let tap = 0; tap < 9; tap++) {
        const row = smallTap(Math.floor(phase / 2), Math.floor(tap / 3));
        const column = smallTap(phase % 2, tap % 3);
        const at = ((phase * kernels + kernel) * 3 + row) * 3 + column;
        result[at] = (result[at] ?? 0) + (weights[kernel * 9 + tap] ?? 0);
      }
    }
  }
  return result;
}

/** The row of the small picture, counted from the one above, that a tap of the kernel meets at an odd or even row. */
const smallTap = (phase: number, tap: number): number => Math.floor((phase + tap - 1) / 2) + 1;
