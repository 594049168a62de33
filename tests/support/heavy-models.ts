/** Makes models that are heavy to load or to run, to see what they do to their neighbours. */
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";

const CHANNELS = 512;

/** A network with five large convolutions on a 32nd of the picture's size: a file of 45 MB. `seed` varies its weights. */
export function largeModel(seed: number): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", ["N", 3, "H", "W"]);
  const window = { kernel_shape: [32n, 32n], strides: [32n, 32n] };
  let features = graph.node("AveragePool", [x], window);
  features = convolution(graph, features, [CHANNELS, 3, 1], seed);
  for (let layer = 0; layer < 5; layer++) {
    features = graph.node("Relu", [convolution(graph, features, [CHANNELS, CHANNELS, 3], seed)]);
  }
  const small = convolution(graph, features, [3, CHANNELS, 1], seed);
  const shape = graph.node("Shape", [x]);
  const large = graph.node("Resize", [small, "" as Value, "" as Value, shape], { mode: "linear" });
  graph.output("y", graph.node("Add", [x, large]), "float32", ["N", 3, "H", "W"]);
  return graph.build("large");
}

/** A small file whose twenty convolutions run at the full size of the picture: most of its load is the first run. */
export function deepModel(): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const x = graph.input("x", "float32", [1, 3, "H", "W"]);
  let features = convolution(graph, x, [16, 3, 3], 1);
  for (let layer = 0; layer < 20; layer++) {
    features = graph.node("Relu", [convolution(graph, features, [16, 16, 3], 1)]);
  }
  const drawn = convolution(graph, features, [3, 16, 3], 1);
  graph.output("y", graph.node("Add", [x, drawn]), "float32", [1, 3, "H", "W"]);
  return graph.build("deep");
}

function convolution(
  graph: GraphBuilder,
  from: Value,
  [outputs, inputs, side]: readonly [number, number, number],
  seed: number,
): Value {
  const count = outputs * inputs * side * side;
  const values = Array.from({ length: count }, (_, at) => Math.sin(at * seed) / (inputs * side));
  const weights = graph.constant("float32", [outputs, inputs, side, side], values);
  const pad = BigInt((side - 1) / 2);
  return graph.node("Conv", [from, weights], { pads: [pad, pad, pad, pad] });
}
