/** Computes the luma of an RGB picture inside a graph, plane by plane: a 1×1 convolution takes three times as long. */
import type { GraphBuilder, Value } from "./graph-builder.ts";

/** ITU-R BT.601, as picture libraries use it. */
const WEIGHTS = [0.299, 0.587, 0.114] as const;

/** float32 `[1, 1, height, width]`, 0 to 255, of a uint8 `[1, 3, height, width]`. Works in every operator set. */
export function luma(graph: GraphBuilder, picture: Value): Value {
  const [red, green, blue] = WEIGHTS;
  const part = (channel: number, weight: number): Value => {
    const plane = graph.node("Gather", [picture, graph.constant("int64", [1], [channel])], {
      axis: 1n,
    });
    return graph.node("Mul", [
      graph.cast(plane, "float32"),
      graph.constant("float32", [], [weight]),
    ]);
  };
  const redGreen = graph.node("Add", [part(0, red), part(1, green)]);
  return graph.node("Add", [redGreen, part(2, blue)]);
}
