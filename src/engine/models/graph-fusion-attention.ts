/**
 * Fuses an attention that is written out into ONNX Runtime's MultiHeadAttention.
 *
 *     scores = query · keysᵀ · scale (+ zeros)       [batch, heads, queries, keys], or batch and heads in one
 *     y      = softmax(scores) · values
 *
 * Written out, each of three matrices holds a number for each pair of queries and keys: four gigabytes for the 16,384
 * places of a picture of 1024×1024. The operator goes through the keys in blocks and keeps none of them.
 */
import { type NodeProto, TensorProto_DataType } from "onnx-buf";
import { type GraphBuilder, type Value, value } from "./graph-builder.ts";
import { attributeOf, type GraphEditor, intsOf } from "./graph-fusion-editor.ts";

/** From here on, Softmax goes over one dimension; before it flattened those from `axis` on. */
const SOFTMAX_OPSET = 13;

interface Scores {
  readonly query: string;
  /** Transposed: [..., width, keys]. */
  readonly keys: string;
  readonly scale: number;
  readonly rank: 3 | 4;
}

/** Looks for the pattern around `softmax`. */
export function fuseAttention(editor: GraphEditor, softmax: NodeProto): void {
  if (softmax.opType !== "Softmax" || editor.opset < SOFTMAX_OPSET) return;
  // The operator exists for float32 alone.
  if (editor.hasHalfFloats || Number(attributeOf(softmax, "axis")?.i ?? -1n) !== -1) return;
  const scores = scoresIn(editor, softmax.input[0]);
  const shares = consumerBehindCasts(editor, softmax);
  if (scores === undefined || shares?.node.opType !== "MatMul") return;
  const { node, input } = shares;
  const [left, values = ""] = node.input;
  if (left !== input || [scores.query, values].some((name) => editor.constantDims(name))) return;
  editor.replace(node, (graph) => attention(graph, scores, value(values)));
}

/** What a value is the scaled product of; undefined where the pattern does not lead there. */
function scoresIn(editor: GraphEditor, from: string | undefined): Scores | undefined {
  let [name, scale] = [from, 1];
  while (editor.uses(name) === 1) {
    const product = editor.producer(name, "MatMul");
    if (product !== undefined) {
      const [query = "", keys = ""] = product.input;
      const rank = rankOf(editor, keys);
      return rank === 3 || rank === 4 ? { query, keys, scale, rank } : undefined;
    }
    const step = castToFloat(editor, name) ?? scaling(editor, name) ?? sumWithZeros(editor, name);
    if (step === undefined) return undefined;
    name = step.of;
    scale *= step.factor ?? 1;
  }
  return undefined;
}

interface Step {
  readonly of: string | undefined;
  readonly factor?: number;
}

function castToFloat(editor: GraphEditor, name: string | undefined): Step | undefined {
  const cast = editor.producer(name, "Cast");
  return cast && isToFloat(cast) ? { of: cast.input[0] } : undefined;
}

const isToFloat = (cast: NodeProto): boolean =>
  Number(attributeOf(cast, "to")?.i) === TensorProto_DataType.FLOAT;

function scaling(editor: GraphEditor, name: string | undefined): Step | undefined {
  const [of, by] = editor.producer(name, "Mul")?.input ?? [];
  const factor = editor.scalar(by);
  if (factor !== undefined) return { of, factor };
  const left = editor.scalar(of);
  if (left !== undefined) return { of: by, factor: left };
  const [dividend, divisor] = editor.producer(name, "Div")?.input ?? [];
  const inverse = editor.scalar(divisor);
  return inverse === undefined ? undefined : { of: dividend, factor: 1 / inverse };
}

/** Exporters add an empty mask: zeros as large as the scores, or others times 0. */
function sumWithZeros(editor: GraphEditor, name: string | undefined): Step | undefined {
  const [a, b] = editor.producer(name, "Add")?.input ?? [];
  if (isZeros(editor, b)) return { of: a };
  return isZeros(editor, a) ? { of: b } : undefined;
}

function isZeros(editor: GraphEditor, name: string | undefined): boolean {
  const [a, b] = editor.producer(name, "Mul")?.input ?? [];
  if (editor.scalar(b) === 0) return editor.producer(a, "ConstantOfShape") !== undefined;
  const filled = editor.producer(name, "ConstantOfShape");
  return filled !== undefined && attributeOf(filled, "value") === undefined;
}

/** The only user of a node's output, behind casts to float, and its input that leads there. */
function consumerBehindCasts(
  editor: GraphEditor,
  { output }: NodeProto,
): { readonly node: NodeProto; readonly input: string | undefined } | undefined {
  const node = editor.consumer(output[0]);
  if (node?.opType === "Cast" && isToFloat(node)) return consumerBehindCasts(editor, node);
  return node && { node, input: output[0] };
}

/** The number of dimensions of keys, which a Transpose makes: scaled or as they are. */
function rankOf(editor: GraphEditor, name: string | undefined): number | undefined {
  const transpose = editor.producer(name, "Transpose");
  if (transpose !== undefined) return intsOf(transpose, "perm", []).length;
  const [of, by] = (editor.producer(name, "Mul") ?? editor.producer(name, "Div"))?.input ?? [];
  const isScalar = editor.scalar(by) !== undefined || editor.producer(by, "Sqrt") !== undefined;
  return isScalar ? rankOf(editor, of) : undefined;
}

/** Heads are rows of the batch, so that nothing needs to be known of them. */
function attention(
  graph: GraphBuilder,
  { query, keys: transposed, scale, rank }: Scores,
  values: Value,
): Value {
  const attend = (q: Value, k: Value, v: Value): Value =>
    graph.runtimeNode("MultiHeadAttention", [q, k, v], { num_heads: 1n, scale });
  if (rank === 3) {
    return attend(value(query), graph.transpose(value(transposed), 0, 2, 1), values);
  }
  const list = (...elements: number[]): Value =>
    graph.constant("int64", [elements.length], elements);
  const sizes = (of: Value, from: number, to: number): Value =>
    graph.node("Slice", [graph.node("Shape", [of]), list(from), list(to), list(0)]);
  const flat = (of: Value): Value => {
    const shape = graph.node("Concat", [list(-1), sizes(of, 2, 4)], { axis: 0n });
    return graph.node("Reshape", [of, shape]);
  };
  const keys = graph.transpose(value(transposed), 0, 1, 3, 2);
  const rows = attend(flat(value(query)), flat(keys), flat(values));
  const shape = graph.node("Concat", [sizes(value(query), 0, 3), sizes(values, 3, 4)], {
    axis: 0n,
  });
  return graph.node("Reshape", [rows, shape]);
}
