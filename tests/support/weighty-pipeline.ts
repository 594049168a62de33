/** Writes diffusion pipelines whose denoiser has random weights of any size, in a file beside it, and is cheap to run. */
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from "onnx-buf";
import { GraphBuilder, type Value, value } from "../../src/engine/models/graph-builder.ts";
import { EMBEDDING } from "./denoiser-graph.ts";
import { writePipeline } from "./synthetic-pipeline.ts";

export interface Weights {
  readonly megabytes: number;
  readonly floats: "float32" | "float16";
}

/** Rows and columns of a layer. */
const WIDTH = 4096;
const DATA = "model.onnx_data";

/** Writes the pipeline to `folder`, which is made; returns the size of its weights in bytes. */
export async function writeWeightyPipeline(folder: string, weights: Weights): Promise<number> {
  await writePipeline(folder);
  const unet = join(folder, "unet");
  await mkdir(unet, { recursive: true });
  const layerBytes = WIDTH * WIDTH * (weights.floats === "float32" ? 4 : 2);
  const layers = Math.max(1, Math.round((weights.megabytes * 2 ** 20) / layerBytes));
  await Bun.write(join(unet, "model.onnx"), denoiser(layers, layerBytes, weights.floats));
  const file = await open(join(unet, DATA), "w");
  try {
    for (let layer = 0; layer < layers; layer++) await file.write(layerOf(layer, weights.floats));
  } finally {
    await file.close();
  }
  return layers * layerBytes;
}

/** Vectors of the prompt's size pass through all layers, so that a run reads each weight once. */
function denoiser(layers: number, layerBytes: number, floats: Weights["floats"]): Uint8Array {
  const graph = new GraphBuilder();
  const sides = ["height", "width"];
  const sample = graph.input("sample", floats, ["batch", 4, ...sides]);
  graph.input("timestep", "int64", ["steps"]);
  const text = graph.input("encoder_hidden_states", floats, ["batch", "tokens", EMBEDDING]);
  const wave = (rows: number, columns: number): Value =>
    graph.constant(
      floats,
      [rows, columns],
      Float32Array.from({ length: rows * columns }, (_, at) => Math.sin(at * 1.3)),
    );
  const mean = graph.node("ReduceMean", [text], { axes: [1n], keepdims: 0n });
  let vector = graph.node("Tanh", [graph.node("MatMul", [mean, wave(EMBEDDING, WIDTH)])]);
  for (let layer = 0; layer < layers; layer++) {
    const product = graph.node("MatMul", [vector, value(nameOf(layer))]);
    vector = graph.node("Tanh", [product]);
  }
  const colours = graph.node("MatMul", [vector, wave(WIDTH, 4)]);
  const shift = graph.unsqueeze(graph.unsqueeze(graph.node("Tanh", [colours]), 2), 3);
  const out = graph.node("Add", [sample, shift]);
  graph.output("out_sample", out, floats, ["batch", 4, ...sides]);
  const model = fromBinary(ModelProtoSchema, graph.build("denoiser"));
  model.graph?.initializer.push(
    ...Array.from({ length: layers }, (_, layer) => outside(layer, layerBytes, floats)),
  );
  return toBinary(ModelProtoSchema, model);
}

const nameOf = (layer: number): string => `layers.${layer}.weight`;

function outside(layer: number, length: number, floats: Weights["floats"]): TensorProto {
  const place = { location: DATA, offset: layer * length, length };
  return create(TensorProtoSchema, {
    name: nameOf(layer),
    dims: [BigInt(WIDTH), BigInt(WIDTH)],
    dataType: TensorProto_DataType[floats === "float32" ? "FLOAT" : "FLOAT16"],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(place).map(([key, its]) =>
      create(StringStringEntryProtoSchema, { key, value: String(its) }),
    ),
  });
}

/** Random values that keep a vector as long as it is. */
function layerOf(seed: number, floats: Weights["floats"]): Uint8Array {
  const count = WIDTH * WIDTH;
  const values = floats === "float32" ? new Float32Array(count) : new Float16Array(count);
  const scale = Math.sqrt(3 / WIDTH) / 2 ** 31;
  let state = (seed + 1) * 2654435761;
  for (let at = 0; at < count; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    values[at] = state * scale;
  }
  return new Uint8Array(values.buffer);
}
