/** Models that give data, as detectors do, and the policy by which models run: what is reported, what is shown, and when. */
import { describe, expect, test } from "bun:test";
import type { GraphBuilder, Value } from "../../src/engine/models/graph-builder.ts";
import { dataReport } from "../../src/engine/plan/data-values.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import type { Picture } from "../../src/media/picture.ts";
import { graphFile, ModelBench, PlanRun } from "../support/model-bench.ts";
import { copyOf, maxDifference, noisePicture } from "../support/onnx-workspace.ts";
import { runModel } from "../support/run-model.ts";

const SIZE = { width: 24, height: 16 };
const noise = noisePicture(SIZE.width, SIZE.height);
const flat = (level: number): Picture => ({ ...SIZE, data: noise.data.map(() => level) });

describe("detectors", () => {
  /** The places of red samples above a threshold: `[found, 2]`, rows of y and x. */
  const brightPlaces = graphFile((graph) => {
    const x = graph.input("x", "uint8", [1, 3, "H", "W"]);
    const least = graph.input("least", "float32", []);
    const red = graph.node("Gather", [graph.cast(x, "float32"), graph.constant("int64", [], [0])], {
      axis: 1n,
    });
    const bright = graph.node("Greater", [graph.squeeze(red, 0), least]);
    const places = graph.node("Transpose", [graph.node("NonZero", [bright])], { perm: [1n, 0n] });
    graph.output("places", places, "int64", ["found", 2]);
  });
  const PLACES = {
    inputs: { least: { role: "param", max: 255, default: 250 } },
    outputs: { places: { role: "data" } },
  };
  const placesIn = ({ data }: Picture, least: number): number[] =>
    [...data.subarray(0, 384).entries()].flatMap(([at, byte]) =>
      byte > least ? [Math.floor(at / 24), at % 24] : [],
    );

  test("as many rows come out as are found, none as well, and the video passes untouched", async () => {
    await using bench = await ModelBench.open({ model: { json: PLACES, onnx: brightPlaces } });
    const { definition } = await bench.model();
    expect([definition.draws, definition.video]).toEqual([false, "required"]);
    using run = await PlanRun.open(bench.host, {});
    const seen = await run.seen(noise);
    for (const least of [250, 128, 255, 0]) {
      const { picture, data } = await run.draw(noise, { model_params: { least } });
      const expected = placesIn(seen, least);
      expect(Array.from(data["places"]?.data ?? [], Number)).toEqual(expected);
      expect(data["places"]?.dims).toEqual([expected.length / 2, 2]);
      expect(dataReport(definition, { data })).toEqual({ places: expected.slice(0, 1024) });
      expect(maxDifference(picture, seen)).toBe(0);
    }
  });

  test("boxes after non-maximum suppression, with scores", async () => {
    const BOXES = [
      [0, 0, 10, 10],
      [0, 1, 10, 11],
      [20, 20, 30, 30],
      [50, 50, 60, 60],
    ];
    const onnx = graphFile((graph) => {
      const ints = (...values: number[]) => graph.constant("int64", [values.length], values);
      const x = graph.input("x", "float32", [1, 3, "H", "W"]);
      const least = graph.input("least", "float32", [1]);
      const mean = graph.node("ReduceMean", [x], { keepdims: 0n });
      const factors = graph.constant("float32", [1, 1, 4], [1, 0.9, 0.8, 0.1]);
      const scores = graph.node("Mul", [factors, mean]);
      const boxes = graph.constant("float32", [1, 4, 4], BOXES.flat());
      const overlap = graph.constant("float32", [1], [0.5]);
      const kept = graph.node("NonMaxSuppression", [boxes, scores, ints(10), overlap, least]);
      const which = graph.node("Gather", [kept, ints(2)], { axis: 1n });
      const flatList = graph.node("Reshape", [which, ints(-1)]);
      const list = (of: Value, ...shape: number[]) => graph.node("Reshape", [of, ints(...shape)]);
      graph.output("boxes", graph.node("Gather", [list(boxes, 4, 4), flatList]), "float32", [
        "n",
        4,
      ]);
      graph.output("scores", graph.node("Gather", [list(scores, 4), flatList]), "float32", ["n"]);
    });
    const json = {
      inputs: { least: { role: "param", default: 0.3 } },
      outputs: { boxes: { role: "data" }, scores: { role: "data" } },
    };
    await using bench = await ModelBench.open({ model: { json, onnx } });
    const model = await bench.model();
    const found = async (level: number, params: ParamValues = {}) => {
      const { data } = await runModel(model, { picture: flat(level), params });
      return ["boxes", "scores"].map((name) => Array.from(data[name]?.data ?? [], Number));
    };
    const close = (numbers: readonly number[]) => numbers.map((each) => expect.closeTo(each, 4));
    // The second box lies on the first, the last is too weak.
    expect(await found(255)).toEqual([[0, 0, 10, 10, 20, 20, 30, 30], close([1, 0.8])]);
    expect(await found(51)).toEqual([[], []]);
    expect(await found(51, { least: 0.17 })).toEqual([[0, 0, 10, 10], close([0.2])]);
    expect((await found(255, { least: 0 }))[1]).toEqual(close([1, 0.8, 0.1]));
  });
});

describe("classes", () => {
  /** Scores of three classes: the means of red, green and blue. */
  const means = (opset: number) =>
    graphFile(
      (graph) => {
        const x = graph.input("x", "float32", [1, 3, "H", "W"]);
        graph.output(
          "scores",
          graph.node("ReduceMean", [x], { axes: [2n, 3n], keepdims: 0n }),
          "float32",
          [1, 3],
        );
      },
      { opset },
    );
  const coloured = (rgb: readonly number[]): Picture => ({
    ...SIZE,
    data: noise.data.map((_, at) => rgb[Math.floor(at / 384)] ?? 0),
  });

  test.each([9, 12, 17])("labels sorted by their probability, operator set %d", async (opset) => {
    const labels = ["red", "green", "blue"];
    const json = {
      inputs: { x: { role: "frame", range: [0, 5] } },
      outputs: { scores: { role: "data", labels, activation: "softmax", limit: 2 } },
    };
    await using bench = await ModelBench.open({ model: { json, onnx: means(opset) } });
    const model = await bench.model();
    const { data } = await runModel(model, { picture: coloured([51, 204, 102]) });
    const [r, g, b] = [1, 4, 2].map(Math.exp) as [number, number, number];
    const share = (score: number) => expect.closeTo(score / (r + g + b), 4);
    expect(dataReport(model.definition, { data })).toEqual({
      scores: [
        { label: "green", score: share(g) },
        { label: "blue", score: share(b) },
      ],
    });
  });

  test("probabilities of single scores", async () => {
    const json = {
      inputs: { x: { role: "frame", range: [-4, 4] } },
      outputs: { scores: { role: "data", activation: "sigmoid" } },
    };
    await using bench = await ModelBench.open({ model: { json, onnx: means(17) } });
    const { data } = await runModel(await bench.model(), { picture: coloured([0, 255, 51]) });
    const sigmoid = (x: number) => expect.closeTo(1 / (1 + Math.exp(-x)), 4);
    expect(Array.from(data["scores"]?.data ?? [], Number)).toEqual([-4, 4, -2.4].map(sigmoid));
  });
});

describe("run policy", () => {
  /** Counts its runs: a state that grows by one, which is the picture's brightness, and data. */
  const counter = graphFile((graph) => {
    const x = graph.input("x", "float32", [1, 3, "H", "W"]);
    const before = graph.input("n_in", "float32", [1]);
    const gain = graph.input("gain", "float32", []);
    const next = graph.node("Add", [before, graph.constant("float32", [1], [1])]);
    graph.output("n_out", next, "float32", [1]);
    graph.output("runs", graph.node("Identity", [next]), "float32", [1]);
    const nothing = (graph: GraphBuilder, of: Value) =>
      graph.node("Mul", [of, graph.constant("float32", [], [0])]);
    const dark = graph.node("Add", [nothing(graph, x), nothing(graph, gain)]);
    graph.output("y", graph.node("Add", [dark, next]), "float32", [1, 3, "H", "W"]);
  });
  const json = (run: object) => ({
    run,
    inputs: { n_in: { role: "state", output: "n_out" }, gain: { role: "param" } },
    outputs: {
      y: { role: "image", range: [0, 255] },
      runs: { role: "data" },
      n_out: { role: "state" },
    },
  });
  /** What each frame shows, and what it reports: null where nothing. */
  const shown = async (run: PlanRun, picture: Picture, params: ParamValues = {}) => {
    const { picture: drawn, data } = await run.draw(picture, { model_params: params });
    const levels = new Set(drawn.data);
    expect(levels.size).toBe(1);
    return [[...levels][0], data["runs"]?.data[0] ?? null];
  };

  test("every third frame; those between show the last picture and report nothing", async () => {
    await using bench = await ModelBench.open({
      model: { json: json({ every: 3 }), onnx: counter },
    });
    using run = await PlanRun.open(bench.host, {});
    const frames: unknown[] = [];
    for (let frame = 0; frame < 7; frame++) frames.push(await shown(run, flat(10 + frame * 30)));
    expect(frames).toEqual([
      [1, 1],
      [1, null],
      [1, null],
      [2, 2],
      [2, null],
      [2, null],
      [3, 3],
    ]);
  });

  test("not for a frame that equals the one before, unless a parameter has changed", async () => {
    // Without a state: one that grows by itself is never skipped.
    const onnx = graphFile((graph) => {
      const x = graph.input("x", "float32", [1, 3, "H", "W"]);
      const gain = graph.input("gain", "float32", []);
      graph.output("y", graph.node("Mul", [x, gain]), "float32", [1, 3, "H", "W"]);
    });
    const skipping = {
      run: { skip_unchanged: true },
      inputs: { gain: { role: "param", default: 1 } },
    };
    await using bench = await ModelBench.open({ model: { json: skipping, onnx } });
    using run = await PlanRun.open(bench.host, {});
    const ran: boolean[] = [];
    const next = async (picture: Picture, params: ParamValues = {}) => {
      const { picture: drawn, inferenceMs } = await run.draw(picture, { model_params: params });
      ran.push(inferenceMs > 0);
      const gain = Number(params["gain"] ?? 1);
      const seen = await run.seen(picture);
      const expected = { ...seen, data: seen.data.map((byte) => Math.floor(byte * gain + 0.5)) };
      expect(maxDifference(drawn, expected)).toBeLessThanOrEqual(1);
    };
    await next(noise);
    await next(copyOf(noise));
    await next(flat(90));
    await next(flat(90), { gain: 0.5 });
    await next(flat(90), { gain: 0.5 });
    await next(noise, { gain: 0.5 });
    expect(ran).toEqual([true, false, true, true, false, true]);
  });

  test("a model that sees no video runs once, and again when a parameter changes", async () => {
    const onnx = graphFile((graph) => {
      const level = graph.input("level", "float32", []);
      const shape = graph.constant("int64", [4], [1, 3, 16, 24]);
      graph.output("y", graph.node("Expand", [level, shape]), "float32", [1, 3, 16, 24]);
    });
    const still = { inputs: { level: { role: "param", default: 0.2 } } };
    await using bench = await ModelBench.open({ model: { json: still, onnx } });
    using run = await PlanRun.open(bench.host, { size: SIZE }, { hasInput: false });
    const next = async (params: ParamValues = {}) => {
      const { picture, inferenceMs } = await run.draw(null, { model_params: params });
      return [picture.data[0], inferenceMs > 0];
    };
    expect([
      await next(),
      await next(),
      await next({ level: 1 }),
      await next({ level: 1 }),
    ]).toEqual([
      [51, true],
      [51, false],
      [255, true],
      [255, false],
    ]);
  });
});
