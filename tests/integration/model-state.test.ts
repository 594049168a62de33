/** Models that remember earlier frames: states, the frame before and the picture before, each by stream. */
import { expect, test } from "bun:test";
import type { LoadedModel } from "../../src/engine/device/loaded-model.ts";
import type { ElementType } from "../../src/engine/models/tensor-signature.ts";
import type { Picture } from "../../src/media/picture.ts";
import { graphFile, ModelBench, PlanRun } from "../support/model-bench.ts";
import { copyOf, maxDifference, noisePicture, rejection } from "../support/onnx-workspace.ts";
import { drawWith } from "../support/run-model.ts";

const [first, second, third] = [0, 7, 13].map((turn) => {
  const { data, ...size } = noisePicture(24, 16);
  return { ...size, data: data.map((byte) => (byte * (turn + 1) + turn * 31) & 255) };
}) as [Picture, Picture, Picture];

/** A moving average: half of the frame and half of the state, which begins as one number. */
const average = (dtype: ElementType) =>
  graphFile((graph) => {
    const frame = graph.input("x", dtype, [1, 3, "H", "W"]);
    const state = graph.input("h_in", dtype, [1, "C", "h", "w"]);
    const half = graph.cast(graph.constant("float32", [], [0.5]), dtype);
    const next = graph.node("Mul", [graph.node("Add", [frame, state]), half]);
    graph.output("h_out", next, dtype, [1, "C", "h", "w"]);
    graph.output("y", graph.node("Identity", [next]), dtype, [1, 3, "H", "W"]);
  });

const AVERAGE = {
  inputs: { x: { role: "frame" }, h_in: { role: "state", output: "h_out", initial: 1 } },
  outputs: { y: { role: "image" }, h_out: { role: "state" } },
};

/** What the average shows after these frames. */
function averaged(frames: readonly Picture[]): Picture {
  const [{ width, height, data }] = frames as [Picture];
  const state = new Float64Array(data.length).fill(255);
  for (const frame of frames)
    for (let at = 0; at < state.length; at++)
      state[at] = ((state[at] ?? 0) + (frame.data[at] ?? 0)) / 2;
  return { width, height, data: Uint8Array.from(state, (each) => Math.floor(each + 0.5)) };
}

const drawnBy =
  (model: LoadedModel) =>
  (lane: string, picture: Picture, params = {}) =>
    drawWith(model, { lane, picture: copyOf(picture), params });

test.each([
  { dtype: "float32", worst: 0 },
  { dtype: "float16", worst: 1 },
] as const)(
  "a $dtype state grows from [1, 1, 1, 1] and is kept by stream",
  async ({ dtype, worst }) => {
    await using bench = await ModelBench.open({ model: { json: AVERAGE, onnx: average(dtype) } });
    const draw = drawnBy(await bench.model());
    const expectDrawn = async (
      lane: string,
      picture: Picture,
      all: readonly Picture[],
      params = {},
    ) =>
      expect(maxDifference(await draw(lane, picture, params), averaged(all))).toBeLessThanOrEqual(
        worst,
      );
    await expectDrawn("a", first, [first]);
    await expectDrawn("b", third, [third]);
    await expectDrawn("a", second, [first, second]);
    await expectDrawn("b", first, [third, first]);
    await expectDrawn("a", third, [first, second, third]);
    // Each press of the trigger forgets once.
    await expectDrawn("a", first, [first], { reset: 1 });
    await expectDrawn("a", second, [first, second], { reset: 1 });
    await expectDrawn("a", third, [third], { reset: 2 });
    await expectDrawn("b", second, [third, first, second]);
  },
);

test("a state is forgotten with its lane, and when the picture's size changes", async () => {
  await using bench = await ModelBench.open({ model: { json: AVERAGE, onnx: average("float32") } });
  const model = await bench.model();
  const draw = drawnBy(model);
  await draw("a", first);
  model.forget("a");
  expect(maxDifference(await draw("a", second), averaged([second]))).toBe(0);
  const small = noisePicture(10, 6);
  expect(maxDifference(await draw("a", small), averaged([small]))).toBe(0);
  expect(maxDifference(await draw("a", first), averaged([first]))).toBe(0);
});

test("a state is kept from frame to frame of a stream, and not by the next stream", async () => {
  await using bench = await ModelBench.open({ model: { json: AVERAGE, onnx: average("float32") } });
  const pictures = [first, second, third];
  for (let stream = 0; stream < 2; stream++) {
    using run = await PlanRun.open(bench.host, {});
    const seen: Picture[] = [];
    for (const picture of pictures) {
      seen.push(await run.seen(picture));
      const { picture: drawn } = await run.draw(picture);
      expect(maxDifference(drawn, averaged(seen))).toBe(0);
    }
  }
});

test("a run that fails after a change of size leaves no state of the old size behind", async () => {
  const onnx = graphFile((graph) => {
    const frame = graph.input("x", "float32", [1, 3, "H", "W"]);
    const state = graph.input("h_in", "float32", [1, "C", "h", "w"]);
    const at = graph.input("at", "int64", []);
    const halves = graph.constant("float32", [2], [0.5, 0.5]);
    const picked = graph.node("Gather", [halves, at], { axis: 0n });
    const next = graph.node("Mul", [graph.node("Add", [frame, state]), picked]);
    graph.output("h_out", next, "float32", [1, "C", "h", "w"]);
    graph.output("y", graph.node("Identity", [next]), "float32", [1, 3, "H", "W"]);
  });
  const json = { ...AVERAGE, inputs: { ...AVERAGE.inputs, at: { role: "param", max: 9 } } };
  await using bench = await ModelBench.open({ model: { json, onnx } });
  const draw = drawnBy(await bench.model());
  const small = noisePicture(10, 6);
  await draw("a", first, { at: 1 });
  expect((await rejection(draw("a", small, { at: 9 }))).message).toContain("the run failed");
  expect(maxDifference(await draw("a", small, { at: 1 }), averaged([small]))).toBe(0);
});

test("the frame before comes with each frame; the first comes with itself", async () => {
  const onnx = graphFile((graph) => {
    const now = graph.input("now", "float32", [1, 3, "H", "W"]);
    const before = graph.input("before", "float32", [1, 3, "H", "W"]);
    const difference = graph.node("Abs", [graph.node("Sub", [now, before])]);
    graph.output("y", difference, "float32", [1, 3, "H", "W"]);
  });
  const json = { inputs: { now: { role: "frame" }, before: { role: "previous_frame" } } };
  await using bench = await ModelBench.open({ model: { json, onnx } });
  const draw = drawnBy(await bench.model());
  const difference = ({ data, ...size }: Picture, other: Picture): Picture => ({
    ...size,
    data: data.map((byte, at) => Math.abs(byte - (other.data[at] ?? 0))),
  });
  expect(Math.max(...(await draw("a", first)).data)).toBe(0);
  expect(maxDifference(await draw("a", second), difference(second, first))).toBe(0);
  expect(Math.max(...(await draw("b", third)).data)).toBe(0);
  expect(maxDifference(await draw("a", third), difference(third, second))).toBe(0);
  const small = noisePicture(10, 6);
  expect(Math.max(...(await draw("a", small)).data)).toBe(0);

  using run = await PlanRun.open(bench.host, {});
  const [one, two] = [await run.seen(first), await run.seen(second)];
  expect(Math.max(...(await run.draw(first)).picture.data)).toBe(0);
  expect(maxDifference((await run.draw(second)).picture, difference(two, one))).toBe(0);
});

test("the picture before leaves trails behind what moves", async () => {
  const onnx = graphFile((graph) => {
    const now = graph.input("now", "float32", [1, 3, "H", "W"]);
    const before = graph.input("before", "float32", [1, 3, "H", "W"]);
    const faded = graph.node("Mul", [before, graph.constant("float32", [], [0.75])]);
    graph.output("y", graph.node("Max", [now, faded]), "float32", [1, 3, "H", "W"]);
  });
  const json = { inputs: { now: { role: "frame" }, before: { role: "previous_output" } } };
  await using bench = await ModelBench.open({ model: { json, onnx } });
  const trail = ({ data, ...size }: Picture, before: Picture): Picture => ({
    ...size,
    data: data.map((byte, at) => Math.max(byte, Math.floor((before.data[at] ?? 0) * 0.75 + 0.5))),
  });
  const draw = drawnBy(await bench.model());
  const one = trail(first, first);
  const two = trail(second, one);
  expect(maxDifference(await draw("a", first), one)).toBe(0);
  expect(maxDifference(await draw("b", third), third)).toBe(0);
  expect(maxDifference(await draw("a", second), two)).toBe(0);
  expect(maxDifference(await draw("a", third), trail(third, two))).toBe(0);
  expect(maxDifference(await draw("b", second), trail(second, third))).toBe(0);
});

test("a picture before that is drawn without video begins black", async () => {
  const onnx = graphFile((graph) => {
    const before = graph.input("before", "float32", [1, 3, "H", "W"]);
    const step = graph.constant("float32", [], [10 / 255]);
    graph.output("y", graph.node("Add", [before, step]), "float32", [1, 3, "H", "W"]);
  });
  const json = { inputs: { before: { role: "previous_output" } } };
  await using bench = await ModelBench.open({ model: { json, onnx } });
  using run = await PlanRun.open(bench.host, {}, { hasInput: false });
  const levels: Set<number>[] = [];
  for (let frame = 0; frame < 3; frame++) levels.push(new Set((await run.draw(null)).picture.data));
  expect(levels).toEqual([new Set([10]), new Set([20]), new Set([30])]);
  const larger = (await run.draw(null, { size: { width: 32, height: 32 } })).picture;
  expect(new Set(larger.data)).toEqual(new Set([10]));
});
