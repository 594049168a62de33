/** A small model with a parameter of several kinds: paints video in a blend of colours and the mean colour of a picture. */
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";

const COLOURS = ["red", "green", "blue"];
const PICTURE = ["n", 3, "height", "width"] as const;

/** Its `model.json`. */
export const TINTER = {
  description: "Paints all in one colour",
  license: "CC0-1.0",
  file: "model.onnx",
  inputs: {
    frame: { role: "frame", layout: "nchw", channels: "rgb", range: [0, 1], optional: true },
    tint: { role: "vector", default: [1, 0, 0], entries: COLOURS, blend: true },
    sample: { role: "image", layout: "nchw", channels: "rgb", range: [0, 1], size: [32, 32] },
    sampled: { role: "param", default: 0, min: 0, max: 1, description: "How much of the picture" },
  },
  outputs: {
    painted: { role: "image", layout: "nchw", channels: "rgb", range: [0, 1] },
    amounts: { role: "data", labels: COLOURS },
  },
  presets: { Sky: { tint: { blue: 3, green: 1 } } },
};

/** Its graph: `frame · 0 + tint · (1 − sampled) + mean(sample) · sampled`. */
export function tinterGraph(): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const frame = graph.input("frame", "float32", PICTURE);
  const tint = graph.input("tint", "float32", [3]);
  const sample = graph.input("sample", "float32", [1, 3, 32, 32]);
  const sampled = graph.input("sampled", "float32", []);
  const shape = graph.constant("int64", [4], [1, 3, 1, 1]);
  const colour = graph.node("Reshape", [tint, shape]);
  const mean = graph.node("ReduceMean", [sample], { axes: [2n, 3n], keepdims: 1n });
  const rest = graph.node("Sub", [graph.constant("float32", [], [1]), sampled]);
  const mixed = graph.node("Add", [
    graph.node("Mul", [colour, rest]),
    graph.node("Mul", [mean, sampled]),
  ]);
  const black = graph.node("Mul", [frame, graph.constant("float32", [], [0])]);
  graph.output("painted", graph.node("Add", [black, mixed]), "float32", PICTURE);
  const list = graph.node("Reshape", [mixed, graph.constant("int64", [2], [1, 3])]);
  graph.output("amounts", list, "float32", [1, 3]);
  return graph.build("tinter");
}
