/** Weights that lie in a file beside the model, and large files whose weights stay where they are: the pictures are the same. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from "onnx-buf";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { Session } from "../../src/engine/device/worker/runtime.ts";
import { adaptGraph } from "../../src/engine/models/adapt-graph.ts";
import { defineModel } from "../../src/engine/models/define-model.ts";
import { fuse } from "../../src/engine/models/graph-fusion.ts";
import { type ModelSource, readModelSource } from "../../src/engine/models/onnx-source.ts";
import { signatureOf } from "../../src/engine/models/tensor-signature.ts";
import type { Picture } from "../../src/media/picture.ts";
import { wave } from "../support/fusible-graphs.ts";
import { graphFile, ModelBench } from "../support/model-bench.ts";
import {
  copyOf,
  maxDifference,
  noisePicture,
  OnnxWorkspace,
  rejection,
} from "../support/onnx-workspace.ts";
import { drawWith } from "../support/run-model.ts";

const SIZE = { width: 48, height: 32 };
const CHANNELS = 64;

/** Two convolutions, whose larger weights have 147 KB, as initializers. */
function convolutions(): ModelProto {
  const onnx = graphFile((graph) => {
    const x = graph.input("x", "float32", [1, 3, "H", "W"]);
    const weights = (outputs: number, inputs: number, seed: number) => {
      const values = wave(outputs * inputs * 9, seed).map(
        (each) => each / Math.sqrt(inputs * 9) + 0.002,
      );
      return graph.constant("float32", [outputs, inputs, 3, 3], values);
    };
    const padded = { pads: [1n, 1n, 1n, 1n] };
    const wide = graph.node("Relu", [graph.node("Conv", [x, weights(CHANNELS, 3, 1)], padded)]);
    const deep = graph.node("Relu", [
      graph.node("Conv", [wide, weights(CHANNELS, CHANNELS, 2)], padded),
    ]);
    graph.output("y", graph.node("Conv", [deep, weights(3, CHANNELS, 3)], padded), "float32", [
      1,
      3,
      "H",
      "W",
    ]);
  });
  const model = fromBinary(ModelProtoSchema, onnx);
  const { graph } = model;
  if (graph === undefined) throw new Error("there is no graph");
  const constants = graph.node.filter(({ opType }) => opType === "Constant");
  for (const { output, attribute } of constants) {
    const tensor = attribute[0]?.t;
    if (tensor) graph.initializer.push({ ...tensor, name: output[0] ?? "" });
  }
  graph.node = graph.node.filter((node) => !constants.includes(node));
  return model;
}

/** Moves all weights to one file, named `location`; returns the ONNX file and that file. */
function split(model: ModelProto, location: string) {
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of model.graph?.initializer ?? []) {
    const { rawData } = tensor;
    const entries = { location, offset, length: rawData.length };
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) }),
    );
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    tensor.rawData = new Uint8Array();
    parts.push(rawData);
    offset += rawData.length;
  }
  return { onnx: toBinary(ModelProtoSchema, model), weights: Buffer.concat(parts) };
}

const whole = toBinary(ModelProtoSchema, convolutions());
const picture = noisePicture(SIZE.width, SIZE.height);
let expected: Picture;
const opened = new AsyncDisposableStack();

beforeAll(async () => {
  const bench = opened.use(await ModelBench.open({ model: { json: {}, onnx: whole } }));
  expected = await drawWith(await bench.model(), { picture: copyOf(picture) });
  expect(new Set(expected.data).size).toBeGreaterThan(20);
});
afterAll(() => opened.disposeAsync());

test.each(["weights.bin", "weights/all.data", "with spaces.bin"])(
  "weights in %s beside the model",
  async (location) => {
    const { onnx, weights } = split(convolutions(), location);
    await using workspace = await OnnxWorkspace.create();
    await workspace.add("model", {}, onnx);
    await Bun.write(join(workspace.path, "models/model", location), weights);
    await using host = await workspace.host();
    const drawn = await drawWith(await host.acquire("model"), { picture: copyOf(picture) });
    expect(maxDifference(drawn, expected)).toBe(0);
  },
);

test("an ONNX file in a folder below finds its weights there", async () => {
  const { onnx, weights } = split(convolutions(), "model.onnx.data");
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("model", { file: "onnx/model.onnx" });
  await Bun.write(join(workspace.path, "models/model/onnx/model.onnx"), onnx);
  await Bun.write(join(workspace.path, "models/model/onnx/model.onnx.data"), weights);
  await using host = await workspace.host();
  const drawn = await drawWith(await host.acquire("model"), { picture: copyOf(picture) });
  expect(maxDifference(drawn, expected)).toBe(0);
});

test("weights that are missing are named, and used once they are there", async () => {
  const { onnx, weights } = split(convolutions(), "weights.bin");
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("model", {}, onnx);
  await using host = await workspace.host();
  const error = await rejection(host.acquire("model"));
  expect(error.message).toBe(
    'model model cannot be used: "weights.bin", which the model needs, is missing',
  );
  await Bun.write(join(workspace.path, "models/model/weights.bin"), weights);
  const drawn = await drawWith(await host.acquire("model"), { picture: copyOf(picture) });
  expect(maxDifference(drawn, expected)).toBe(0);
});

test("weights that are cut short do not load, and the error says so", async () => {
  const { onnx, weights } = split(convolutions(), "weights.bin");
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("model", {}, onnx);
  await Bun.write(join(workspace.path, "models/model/weights.bin"), weights.subarray(0, 5000));
  await using host = await workspace.host();
  expect((await rejection(host.acquire("model"))).message).toContain("model model cannot be");
});

/** The picture by a session that is opened as a worker opens it. */
async function drawnFrom({ model, folder }: ModelSource): Promise<Picture> {
  const definition = defineModel("model", {}, signatureOf(model));
  fuse(model);
  const { bytes, nameOf, outputs } = adaptGraph(model, definition);
  const session = await Session.open(bytes, parseDevice("cpu").settings, folder);
  try {
    const dims = [1, 3, SIZE.height, SIZE.width];
    const feed = { dtype: "uint8", dims, data: picture.data.slice() } as const;
    const results = await session.run({ [nameOf("x/picture")]: feed }, outputs.map(nameOf));
    const { data } = results[nameOf("y/picture")] ?? {};
    return { ...SIZE, data: data as Uint8Array<ArrayBuffer> };
  } finally {
    await session.release();
  }
}

test.each(["a folder", "a link to a folder", "a link to the file"])(
  "the weights of a large file stay in it, in %s",
  async (kind) => {
    await using workspace = await OnnxWorkspace.create();
    const folder = join(workspace.path, "files");
    await mkdir(folder);
    const file = join(folder, "large model.onnx");
    await Bun.write(file, whole);
    const links = {
      "a folder": file,
      "a link to a folder": join(workspace.path, "link/large model.onnx"),
    };
    const path = links[kind as keyof typeof links] ?? join(workspace.path, "other.onnx");
    if (kind === "a link to a folder") await symlink(folder, join(workspace.path, "link"));
    if (kind === "a link to the file") await symlink(file, path);
    const source = await readModelSource({ path }, 0);
    const inFile = source.model.graph?.initializer.filter(
      ({ externalData }) => externalData.length > 0,
    );
    expect(inFile?.length).toBe(1);
    expect(toBinary(ModelProtoSchema, source.model).length).toBeLessThan(whole.length / 2);
    expect(maxDifference(await drawnFrom(source), expected)).toBe(0);
  },
);

test("a large file whose weights lie in another one finds them, too", async () => {
  const { onnx, weights } = split(convolutions(), "weights.bin");
  await using workspace = await OnnxWorkspace.create();
  await Bun.write(join(workspace.path, "model.onnx"), onnx);
  await Bun.write(join(workspace.path, "weights.bin"), weights);
  const source = await readModelSource({ path: join(workspace.path, "model.onnx") }, 0);
  expect(maxDifference(await drawnFrom(source), expected)).toBe(0);
});
