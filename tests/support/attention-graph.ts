/** Builds attentions as exporters write them out, and variants that graph-fusion-attention.ts must leave alone. */
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";

export interface AttentionVariant {
  /** "apart": a dimension of their own; "in the batch": there is one, or they are rows of the batch. */
  heads?: "apart" | "in the batch";
  scaling?: "product" | "factor first" | "quotient" | "root of both sides" | "none";
  /** What is added to the scores. */
  mask?: "none" | "zeros" | "others times 0" | "zeros first" | "causal";
  /** The softmax is computed in float32 whatever the rest is. */
  casts?: boolean;
  axis?: number;
  /** The shares that each query gives the keys are an output, too. */
  alsoOutput?: boolean;
  /** A weight of half precision, which has nothing to do with the attention. */
  halfWeight?: boolean;
  /** The queries are the same for all pictures. */
  constantQuery?: boolean;
  opset?: number;
}

/** Numbers of a token. */
export const TOKEN_WIDTH = 8;

/** `x` [n, queries, 8] attends to `c` [n, keys, 8]. */
export function attentionGraph(variant: AttentionVariant = {}): Uint8Array {
  const { heads = "in the batch", scaling = "product", mask = "none" } = variant;
  const graph = new GraphBuilder({ opset: variant.opset ?? 17 });
  const ints = (...all: number[]): Value => graph.constant("int64", [all.length], all);
  const number = (of: number): Value => graph.constant("float32", [], [of]);
  const isApart = heads === "apart";
  const split = (of: Value): Value =>
    isApart
      ? graph.transpose(graph.node("Reshape", [of, ints(0, 0, 2, TOKEN_WIDTH / 2)]), 0, 2, 1, 3)
      : graph.node("Relu", [of]);

  const x = graph.input("x", "float32", ["n", "queries", TOKEN_WIDTH]);
  const context = graph.input("c", "float32", ["n", "keys", TOKEN_WIDTH]);
  let query = variant.constantQuery
    ? graph.constant("float32", [1, 1, 8], new Array(8).fill(0.5))
    : split(x);
  let keys = isApart
    ? graph.transpose(split(context), 0, 1, 3, 2)
    : graph.transpose(context, 0, 2, 1);
  const values = split(context);
  if (scaling === "root of both sides") {
    const root = graph.node("Sqrt", [number(0.7)]);
    [query, keys] = [graph.node("Mul", [query, root]), graph.node("Mul", [keys, root])];
  }
  let scores = graph.node("MatMul", [query, keys]);
  if (scaling === "product") scores = graph.node("Mul", [scores, number(0.7)]);
  if (scaling === "factor first") scores = graph.node("Mul", [number(0.7), scores]);
  if (scaling === "quotient") scores = graph.node("Div", [scores, number(1.4)]);
  scores = masked(graph, scores, mask, [query, keys]);
  if (variant.casts) scores = graph.cast(scores, "float32");
  let shares = graph.node("Softmax", [scores], { axis: BigInt(variant.axis ?? -1) });
  if (variant.alsoOutput) {
    graph.output("also", shares, "float32", isApart ? ["n", 2, "q", "k"] : ["n", "q", "k"]);
  }
  if (variant.casts) shares = graph.cast(shares, "float32");
  let y = graph.node("MatMul", [shares, values]);
  if (variant.halfWeight) {
    const half = graph.cast(graph.constant("float16", [], [2]), "float32");
    y = graph.node("Mul", [y, half]);
  }
  graph.output("y", y, "float32", isApart ? ["n", 2, "queries", 4] : ["n", "queries", TOKEN_WIDTH]);
  return graph.build("attention");
}

function masked(
  graph: GraphBuilder,
  scores: Value,
  mask: AttentionVariant["mask"],
  [query, keys]: readonly [Value, Value],
): Value {
  if (mask === "none") return scores;
  if (mask === "causal") {
    // As large as the scores, and not nothing.
    return graph.node("Add", [scores, graph.node("Neg", [graph.node("MatMul", [query, keys])])]);
  }
  const zeros = graph.node("ConstantOfShape", [
    graph.node("Shape", [graph.node("MatMul", [query, keys])]),
  ]);
  if (mask === "zeros") return graph.node("Add", [scores, zeros]);
  if (mask === "zeros first") return graph.node("Add", [zeros, scores]);
  return graph.node("Add", [
    scores,
    graph.node("Mul", [zeros, graph.constant("float32", [], [0])]),
  ]);
}
