/** Runs of several streams in one batch: each gets its own result, and what must not be joined is not. */
import { expect, test } from "bun:test";
import type { LoadedModel } from "../../src/engine/device/loaded-model.ts";
import type { ModelThread } from "../../src/engine/device/model-thread.ts";
import { ReadyModel } from "../../src/engine/device/ready-model.ts";
import type { GraphBuilder, Value } from "../../src/engine/models/graph-builder.ts";
import type { Picture } from "../../src/media/picture.ts";
import { graphFile, ModelBench } from "../support/model-bench.ts";
import { copyOf, maxDifference, noisePicture } from "../support/onnx-workspace.ts";
import { drawWith, runModel } from "../support/run-model.ts";

/** The thread of a model that the host has loaded. */
function threadOf(model: LoadedModel): ModelThread {
  if (!(model instanceof ReadyModel)) throw new Error("the host loads models of another kind");
  return model.thread;
}

/** Hosts a model whose batches pay. On a busy machine a trial may take long, and warm-up then finds that they do not. */
async function batchingBench(json: object, onnx: Uint8Array): Promise<ModelBench> {
  for (let attempt = 0; attempt < 8; attempt++) {
    const bench = await ModelBench.open({ model: { json, onnx } });
    if (maxBatchOf(await bench.model()) > 1) return bench;
    await bench[Symbol.asyncDispose]();
  }
  throw new Error("warm-up never found that batches pay");
}

const maxBatchOf = (model: LoadedModel): number => threadOf(model).maxBatch;

/** The number of items of each run from here on. */
function runsOf(model: LoadedModel): readonly number[] {
  const thread = threadOf(model);
  const run = thread.run.bind(thread);
  const sizes: number[] = [];
  thread.run = (jobs) => {
    sizes.push(jobs.length);
    return run(jobs);
  };
  return sizes;
}

/** Adds nothing, at a cost that is the same for any number of items: batches pay. */
function atFixedCost(graph: GraphBuilder, samples: Value): Value {
  const numbers = graph.node("RandomUniform", [], { shape: [1024n, 1024n], seed: 3 });
  const mean = graph.node("ReduceMean", [numbers], { keepdims: 0n });
  const nothing = graph.node("Mul", [mean, graph.constant("float32", [], [0])]);
  return graph.node("Add", [samples, nothing]);
}

const SIZE = { width: 24, height: 16 };
const PICTURES = ["N", 3, 16, 24] as const;

const shifted = (turn: number): Picture => {
  const { data, ...size } = noisePicture(SIZE.width, SIZE.height);
  return { ...size, data: data.map((byte) => (byte + turn * 37) & 255) };
};

/** A model of pictures whose batches pay. */
const batched = (draw: (graph: GraphBuilder, x: Value) => Value) =>
  graphFile((graph) => {
    const x = graph.input("x", "float32", PICTURES);
    graph.output("y", draw(graph, atFixedCost(graph, x)), "float32", PICTURES);
  });

/** Sends pictures of several streams at once, and compares what each gets; returns the largest number that ran together. */
async function together(
  model: LoadedModel,
  streams: number,
  expected: (picture: Picture, stream: number) => Picture,
  paramsOf: (stream: number) => Readonly<Record<string, number>> = () => ({}),
): Promise<number> {
  const runs = runsOf(model);
  const live = async (stream: number) => {
    for (let round = 0; round < 12; round++) {
      const picture = shifted(stream * 12 + round);
      const run = { key: `stream ${stream}`, params: paramsOf(stream), picture: copyOf(picture) };
      const drawn = await drawWith(model, run);
      expect(maxDifference(drawn, expected(picture, stream))).toBe(0);
    }
  };
  await Promise.all(Array.from({ length: streams }, (_, stream) => live(stream)));
  return Math.max(...runs);
}

const negative = ({ data, ...size }: Picture): Picture => ({
  ...size,
  data: data.map((byte) => 255 - byte),
});

test("frames of several streams run in one batch, and each stream gets its own", async () => {
  const onnx = batched((graph, x) => graph.node("Sub", [graph.constant("float32", [], [1]), x]));
  await using bench = await batchingBench({}, onnx);
  const model = await bench.model();
  expect(await together(model, 5, negative)).toBeGreaterThan(1);
});

const added = ({ data, ...size }: Picture, step: number): Picture => ({
  ...size,
  data: data.map((byte) => Math.min(255, byte + step)),
});

test.each([
  { name: "one number for all items", dims: [] },
  { name: "a number an item", dims: ["N"] },
])("streams whose parameter differs keep their own value: $name", async ({ dims }) => {
  const onnx = graphFile((graph) => {
    const x = graph.input("x", "float32", PICTURES);
    const step = graph.input("step", "float32", dims);
    const steps = graph.node("Reshape", [step, graph.constant("int64", [4], [-1, 1, 1, 1])]);
    graph.output("y", graph.node("Add", [atFixedCost(graph, x), steps]), "float32", PICTURES);
  });
  const inputs = { step: { role: "param", max: 1 } };
  await using bench = await batchingBench({ inputs }, onnx);
  const model = await bench.model();
  // Two streams of each value: those of one value may always run together.
  const stepOf = (stream: number) => 20 * (stream >> 1);
  const most = await together(
    model,
    6,
    (picture, stream) => added(picture, stepOf(stream)),
    (stream) => ({ step: stepOf(stream) / 255 }),
  );
  expect(most).toBeGreaterThan(1);
  if (dims.length === 0) expect(most).toBe(2);
});

test("a model that remembers frames is never batched", async () => {
  const onnx = graphFile((graph) => {
    const x = graph.input("x", "float32", PICTURES);
    const before = graph.input("h_in", "float32", PICTURES);
    graph.output("y", graph.node("Max", [atFixedCost(graph, x), before]), "float32", PICTURES);
    graph.output("h_out", graph.node("Identity", [x]), "float32", PICTURES);
  });
  const inputs = { h_in: { role: "state", output: "h_out" } };
  await using bench = await ModelBench.open({ model: { json: { inputs }, onnx } });
  const model = await bench.model();
  expect([model.definition.batchable, maxBatchOf(model)]).toEqual([false, 1]);
  const live = async (lane: string, turns: readonly number[]) => {
    let before = { ...SIZE, data: new Uint8Array(SIZE.width * SIZE.height * 3) };
    for (const turn of turns) {
      const picture = shifted(turn);
      const drawn = await drawWith(model, { key: lane, picture: copyOf(picture) });
      const brightest = picture.data.map((byte, at) => Math.max(byte, before.data[at] ?? 0));
      expect(maxDifference(drawn, { ...SIZE, data: brightest })).toBe(0);
      before = { ...SIZE, data: picture.data.slice() };
    }
  };
  await Promise.all([live("a", [1, 2, 3]), live("b", [4, 3, 1]), live("c", [9, 8, 2])]);
});

const FIRST_ONLY = (graph: GraphBuilder, x: Value) =>
  graph.node("Reshape", [x, graph.constant("int64", [4], [1, 3, 16, 24])]);

const darkest = (graph: GraphBuilder, x: Value) =>
  graph.node("Sub", [x, graph.node("ReduceMin", [x], { keepdims: 0n })]);

test.each([
  { name: "that can only be 1", draw: FIRST_ONLY, expected: (picture: Picture) => picture },
  {
    name: "over which it computes one minimum",
    draw: darkest,
    expected: ({ data, ...size }: Picture) => {
      const least = Math.min(...data);
      return { ...size, data: data.map((byte) => byte - least) };
    },
  },
])("a graph with a batch dimension $name runs frame by frame", async ({ draw, expected }) => {
  await using bench = await ModelBench.open({
    model: { json: {}, onnx: batched(draw) },
  });
  const model = await bench.model();
  expect([model.definition.batchable, maxBatchOf(model)]).toEqual([true, 1]);
  expect(await together(model, 4, expected)).toBe(1);
});

test("masks of several streams run in one batch, each between its own least and greatest value", async () => {
  const onnx = graphFile((graph) => {
    const x = graph.input("x", "float32", PICTURES);
    const red = graph.node("Gather", [atFixedCost(graph, x), graph.constant("int64", [1], [0])], {
      axis: 1n,
    });
    graph.output("m", red, "float32", ["N", 1, 16, 24]);
  });
  const outputs = { m: { role: "mask", range: "auto" } };
  await using bench = await batchingBench({ outputs }, onnx);
  const model = await bench.model();
  const picture = (stream: number): Picture => {
    const { data, ...size } = noisePicture(SIZE.width, SIZE.height);
    return { ...size, data: data.map((byte) => (byte >> 2) + stream * 60) };
  };
  const alone = await Promise.all(
    [0, 1, 2, 3].map((stream) => drawWith(model, { key: "alone", picture: picture(stream) })),
  );
  const runs = runsOf(model);
  const live = async (stream: number) => {
    for (let round = 0; round < 12; round++) {
      const run = { key: `stream ${stream}`, picture: picture(stream) };
      const expected = alone[stream] as Picture;
      expect(maxDifference(await drawWith(model, run), expected)).toBe(0);
    }
  };
  await Promise.all([0, 1, 2, 3].map(live));
  expect(Math.max(...runs)).toBeGreaterThan(1);
});

test("a detector runs frame by frame: its rows belong to nobody once they are joined", async () => {
  const onnx = graphFile((graph) => {
    const x = graph.input("x", "float32", ["N", 3, 16, 24]);
    const bright = graph.node("Greater", [
      atFixedCost(graph, x),
      graph.constant("float32", [], [0.9]),
    ]);
    const places = graph.node("Transpose", [graph.node("NonZero", [bright])], { perm: [1n, 0n] });
    graph.output("places", graph.cast(places, "float32"), "float32", ["found", 4]);
  });
  await using bench = await ModelBench.open({
    model: { json: { outputs: { places: { role: "data" } } }, onnx },
  });
  const model = await bench.model();
  expect(maxBatchOf(model)).toBe(1);
  const placesOf = ({ data }: Picture) =>
    [...data.entries()].flatMap(([at, byte]) => {
      const [channel, pixel] = [Math.floor(at / 384), at % 384];
      return byte / 255 > Math.fround(0.9) ? [0, channel, Math.floor(pixel / 24), pixel % 24] : [];
    });
  const live = async (stream: number) => {
    for (let round = 0; round < 6; round++) {
      const picture = shifted(stream * 6 + round);
      const run = { key: `stream ${stream}`, picture: copyOf(picture) };
      const { data, picture: drawn } = await runModel(model, run);
      expect(drawn).toBeNull();
      expect(Array.from(data["places"]?.data ?? [], Number)).toEqual(placesOf(picture));
      expect(data["places"]?.dims).toEqual([placesOf(picture).length / 4, 4]);
    }
  };
  await Promise.all([0, 1, 2].map(live));
});
