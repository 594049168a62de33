/** Builds a model that gains from batches on a CPU: a run spends its time on reading weights, however many pictures it has. */
import { join } from "node:path";
import { GraphBuilder, type Value } from "../../src/engine/models/graph-builder.ts";

/** Width and height of its pictures. */
export const WEIGHTY_SIDE = 128;

/** So many that eight streams together come to about the frame rate of live video. */
const LAYERS = 12;
/** Each layer has WIDTH² weights: 64 MiB, far more than a processor caches. */
const WIDTH = 4096;
/** Pictures are reduced to so many cells a side, whose samples enter the first layer. */
const CELLS = 16;
/** Weights repeat a block of this size, which keeps the file small; ONNX Runtime writes them out when it loads it. */
const BLOCK = 64;

/** Writes `models/<name>` into a workspace: a network that looks at the whole picture and tints it. */
export async function writeWeightyModel(workspace: string, name: string): Promise<void> {
  const folder = join(workspace, "models", name);
  await Bun.write(join(folder, "model.onnx"), graph());
  const pixels = { layout: "nchw", channels: "rgb", dtype: "uint8" };
  const json = {
    file: "model.onnx",
    inputs: { picture: { role: "frame", ...pixels } },
    outputs: { image: { role: "image", ...pixels } },
  };
  await Bun.write(join(folder, "model.json"), JSON.stringify(json));
}

function graph(): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const dims = ["batch", 3, WEIGHTY_SIDE, WEIGHTY_SIDE];
  const picture = graph.cast(graph.input("picture", "uint8", dims), "float32");
  const cell = BigInt(WEIGHTY_SIDE / CELLS);
  let values: Value = graph.node("AveragePool", [picture], {
    kernel_shape: [cell, cell],
    strides: [cell, cell],
  });
  values = graph.node("Reshape", [values, graph.constant("int64", [2], [0, -1])]);
  values = layer(graph, values, 3 * CELLS * CELLS);
  for (let index = 1; index < LAYERS; index++) values = layer(graph, values, WIDTH);
  const mixed = graph.constant("float32", [WIDTH, 3], new Array(WIDTH * 3).fill(1 / WIDTH));
  const tint = graph.node("Sigmoid", [graph.node("MatMul", [values, mixed])]);
  const perChannel = graph.node("Reshape", [tint, graph.constant("int64", [4], [0, 3, 1, 1])]);
  graph.output(
    "image",
    graph.cast(graph.node("Mul", [picture, perChannel]), "uint8"),
    "uint8",
    dims,
  );
  return graph.build("weighty");
}

function layer(graph: GraphBuilder, values: Value, inputs: number): Value {
  const block = Array.from({ length: BLOCK * BLOCK }, (_, at) => Math.sin(at * 12.9898) / BLOCK);
  const repeats = graph.constant("int64", [2], [inputs / BLOCK, WIDTH / BLOCK]);
  const weights = graph.node("Tile", [graph.constant("float32", [BLOCK, BLOCK], block), repeats]);
  return graph.node("Relu", [graph.node("MatMul", [values, weights])]);
}
