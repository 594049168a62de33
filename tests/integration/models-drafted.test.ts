/** Runs ONNX files in the forms that exporters write, each with the description that `draftModel` derives from the file. */
import { expect, test } from "bun:test";
import { draftModel } from "../../src/engine/models/draft.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import { parseGraph, signatureOf } from "../../src/engine/models/tensor-signature.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import type { Picture } from "../../src/media/picture.ts";
import {
  copyOf,
  mapPixels,
  maxDifference,
  noisePicture,
  OnnxWorkspace,
  simpleModel,
} from "../support/onnx-workspace.ts";
import { drawWith } from "../support/run-model.ts";

const FREE = [1, 3, "H", "W"] as const;
const noise = noisePicture(50, 34);
const draftOf = (onnx: Uint8Array) => draftModel("model.onnx", signatureOf(parseGraph(onnx)));

/** The output for `noise`. */
async function run(
  onnx: Uint8Array,
  params: ParamValues = {},
  stills: Record<string, Picture> = {},
): Promise<Picture> {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("drafted", draftOf(onnx), onnx);
  await using host = await workspace.host();
  const model = await host.acquire("drafted");
  return await drawWith(model, { params, stills, picture: copyOf(noise) });
}

test("floats with channels first run from 0 to 1", async () => {
  const negative = simpleModel("float32", FREE, (graph, picture) =>
    graph.node("Sub", [graph.constant("float32", [], [1]), picture]),
  );
  const expected = mapPixels(noise, (rgb) => rgb.map((each) => 255 - each));
  expect(maxDifference(await run(negative), expected)).toBeLessThanOrEqual(1);
});

test("bytes with channels last are mirrored exactly", async () => {
  const mirror = simpleModel("uint8", [1, "H", "W", 3], (graph, picture) => {
    const whole = (value: number) => graph.constant("int64", [1], [value]);
    return graph.node("Slice", [picture, whole(-1), whole(-1000), whole(2), whole(-1)]);
  });
  const { data, width, height } = await run(mirror);
  const column = (x: number) =>
    Array.from({ length: 3 * height }, (_, row) => data[row * width + x] ?? Number.NaN);
  const original = (x: number) =>
    Array.from({ length: 3 * height }, (_, row) => noise.data[row * width + x] ?? Number.NaN);
  for (const x of [0, 13, width - 1]) expect(column(width - 1 - x)).toEqual(original(x));
});

test("a single output channel is a grey picture", async () => {
  const graph = new GraphBuilder();
  const picture = graph.input("x", "float32", FREE);
  const weights = graph.constant("float32", [1, 3, 1, 1], [0.299, 0.587, 0.114]);
  graph.output("y", graph.node("Conv", [picture, weights]), "float32", [1, 1, "H", "W"]);
  const expected = mapPixels(noise, ([r, g, b]) => {
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    return [luma, luma, luma];
  });
  expect(maxDifference(await run(graph.build("grey")), expected)).toBeLessThanOrEqual(1);
});

test("an input of one number is a parameter with its name", async () => {
  const graph = new GraphBuilder();
  const picture = graph.input("x", "float32", FREE);
  const amount = graph.input("amount", "float32", [1]);
  graph.output("y", graph.node("Mul", [picture, amount]), "float32", FREE);
  const darker = mapPixels(noise, (rgb) => rgb.map((each) => each * 0.2));
  const result = await run(graph.build("darker"), { amount: 0.2 });
  expect(maxDifference(result, darker)).toBeLessThanOrEqual(1);
});

test("an output of another size than the input's keeps its size", async () => {
  const graph = new GraphBuilder();
  const picture = graph.input("x", "float32", FREE);
  const half = graph.node("MaxPool", [picture], { kernel_shape: [2n, 2n], strides: [2n, 2n] });
  graph.output("y", half, "float32", [1, 3, "h", "w"]);
  expect(await run(graph.build("half"))).toMatchObject({ width: 25, height: 17 });
});

test("a second picture as input is one that callers upload, grey until they do", async () => {
  const graph = new GraphBuilder();
  const [picture, overlay] = ["x", "overlay"].map((name) => graph.input(name, "float32", FREE));
  if (picture === undefined || overlay === undefined) throw new Error("two inputs were declared");
  graph.output("y", graph.node("Sub", [picture, overlay]), "float32", FREE);
  const onnx = graph.build("difference");

  const minusGrey = mapPixels(noise, (rgb) => rgb.map((each) => each - 128));
  expect(maxDifference(await run(onnx), minusGrey)).toBeLessThanOrEqual(1);
  const stills = { uploaded: mapPixels(noise, (rgb) => rgb.map((each) => each / 2)) };
  const halved = mapPixels(noise, (rgb) => rgb.map((each) => each - Math.floor(each / 2 + 0.5)));
  const result = await run(onnx, { overlay: "uploaded" }, stills);
  expect(maxDifference(result, halved)).toBeLessThanOrEqual(1);
});
