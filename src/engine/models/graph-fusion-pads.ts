/** Reads how far a Pad extends each dimension. */
import type { NodeProto } from "onnx-buf";
import { attributeOf, type GraphEditor, intsOf } from "./graph-fusion-editor.ts";

/** All begins, then all ends, in the order of the dimensions; undefined where they are not constant. */
export function padsOf(editor: GraphEditor, pad: NodeProto): readonly number[] | undefined {
  // The pads became an input in operator set 11.
  if (editor.opset < 11) return intsOf(pad, "pads", []);
  return editor.ints(pad.input[1]) ?? torchPads(editor, pad.input[1]);
}

/**
 * The pads that PyTorch's exporter writes as a computation on constants. PyTorch lists [begin, end] from the last
 * dimension to the first: the exporter fills the list up with zeros, reverses the pairs and transposes them.
 *
 *     Concat(list, ConstantOfShape(n)) → Reshape(−1, 2) → Slice(from the end, step −1) → Transpose → Reshape(−1) → Cast
 */
function torchPads(editor: GraphEditor, name: string | undefined): readonly number[] | undefined {
  const cast = editor.producer(name, "Cast");
  const flat = editor.producer(cast?.input[0], "Reshape");
  const transposed = editor.producer(flat?.input[0], "Transpose");
  const reversed = editor.producer(transposed?.input[0], "Slice");
  const pairs = editor.producer(reversed?.input[0], "Reshape");
  const [list, zeros, ...more] = editor.producer(pairs?.input[0], "Concat")?.input ?? [];
  const filler = editor.producer(zeros, "ConstantOfShape");
  const given = editor.ints(list);
  const [missing] = editor.ints(filler?.input[0]) ?? [];
  if (given === undefined || missing === undefined || more.length > 0) return undefined;

  const [, starts, ends, axes, steps] = (reversed?.input ?? []).map((input) => editor.ints(input));
  const asExpected =
    editor.ints(flat?.input[1])?.join() === "-1" &&
    editor.ints(pairs?.input[1])?.join() === "-1,2" &&
    transposed !== undefined &&
    intsOf(transposed, "perm", [1, 0]).join() === "1,0" &&
    starts?.join() === "-1" &&
    (ends?.[0] ?? 0) < -given.length - missing &&
    axes?.join() === "0" &&
    steps?.join() === "-1" &&
    isZero(filler);
  if (!asExpected) return undefined;
  const all = [...given, ...new Array<number>(missing).fill(0)];
  const begins = all.filter((_, index) => index % 2 === 0).reverse();
  return [...begins, ...all.filter((_, index) => index % 2 === 1).reverse()];
}

/** Whether a ConstantOfShape makes zeros, which it does by default; the exporter names an int64 zero. */
function isZero(filler: NodeProto | undefined): boolean {
  const tensor = filler === undefined ? undefined : attributeOf(filler, "value")?.t;
  if (tensor === undefined) return true;
  return [...tensor.rawData, ...tensor.int64Data, ...tensor.floatData].every(
    (each) => Number(each) === 0,
  );
}
