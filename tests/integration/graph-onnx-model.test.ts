/** Graphs that run models of the workspace: OnnxModel with its parameters, and depth maps. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import { GraphBuilder } from "../../src/engine/models/graph-builder.ts";
import {
  failureOf,
  farthest,
  GraphStream,
  HALF,
  paramsFor,
  SIZE,
} from "../support/graph-stream.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { buildPng } from "../support/png-builder.ts";

/** The frame through a model of the workspace. */
const through = (inputs: object) => ({
  "1": { class_type: "LoadTensor", inputs: {} },
  "2": { class_type: "OnnxModel", inputs },
  "3": { class_type: "SaveTensor", inputs: { images: ["2", 0] } },
});

const PICTURE = [1, 3, "H", "W"];

const dimModel = (() => {
  const graph = new GraphBuilder();
  const [x, factor] = [graph.input("x", "float32", PICTURE), graph.input("factor", "float32", [1])];
  graph.output("y", graph.node("Mul", [x, factor]), "float32", PICTURE);
  return graph.build("dim");
})();

const echoModel = (() => {
  const graph = new GraphBuilder();
  const [x, last] = [graph.input("x", "float32", PICTURE), graph.input("last", "float32", PICTURE)];
  graph.output("y", graph.node("Max", [x, last]), "float32", PICTURE);
  return graph.build("echo");
})();

const depthModel = (() => {
  const graph = new GraphBuilder();
  const mean = graph.node("ReduceMean", [graph.input("x", "float32", PICTURE)], {
    axes: [1n],
    keepdims: 1n,
  });
  graph.output("depth", mean, "float32", [1, 1, "H", "W"]);
  return graph.build("depth");
})();

/** Multiplies the channels. */
const tintModel = (() => {
  const graph = new GraphBuilder();
  const [x, tone] = [graph.input("x", "float32", PICTURE), graph.input("tone", "float32", [3])];
  const shape = graph.constant("int64", [4], [1, 3, 1, 1]);
  const factors = graph.node("Reshape", [tone, shape]);
  graph.output("y", graph.node("Mul", [x, factors]), "float32", PICTURE);
  return graph.build("tint");
})();

/** The larger of two pictures, sample by sample. */
const largerModel = (() => {
  const graph = new GraphBuilder();
  const [x, other] = [
    graph.input("x", "float32", PICTURE),
    graph.input("other", "float32", PICTURE),
  ];
  graph.output("y", graph.node("Max", [x, other]), "float32", PICTURE);
  return graph.build("larger");
})();

/** A light grey pixel, as a PNG. */
const LIGHT = buildPng({ width: 1, height: 1, rows: [[200, 200, 200]] });

describe("a graph with models of the workspace", () => {
  let workspace: OnnxWorkspace;
  let host: ModelHost;
  beforeAll(async () => {
    workspace = await OnnxWorkspace.create();
    await workspace.add("dim", {}, dimModel);
    await workspace.add("depth", { outputs: { depth: { role: "heat" } } }, depthModel);
    await workspace.add("echo", { inputs: { last: { role: "previous_output" } } }, echoModel);
    const tone = { role: "vector", entries: ["red", "green", "blue"] };
    await workspace.add("tint", { inputs: { tone } }, tintModel);
    const other = { role: "image", name: "other" };
    await workspace.add("larger", { inputs: { other } }, largerModel);
    await workspace.add(
      "shaded",
      { inputs: { other: { role: "image", file: "shade.png" } } },
      largerModel,
    );
    await Bun.write(join(workspace.path, "models/shaded/shade.png"), LIGHT);
    const fed = { role: "from", from: { model: "depth", output: "depth" } };
    await workspace.add("fed", { inputs: { other: fed } }, largerModel);
    await workspace.add("broken", "no JSON");
    host = await workspace.host();
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
  });

  test("that fails as it runs leaves the stream the one before, and harms no other stream", async () => {
    await using stream = new GraphStream(host);
    await using other = new GraphStream(host);
    const good = paramsFor(HALF);
    await stream.executor.prepare(good);
    const wrong = paramsFor({
      ...through({}),
      "2": { class_type: "DepthAnythingTensorrt", inputs: { images: ["1", 0], engine: "dim" } },
    });
    const { message } = await failureOf(stream.executor.prepare(wrong));
    expect(message).toContain("node 2 (DepthAnythingTensorrt): the model is no depth model");
    expect((await stream.draw(wrong)).width).toBe(32);
    expect(stream.executor.runs(wrong)).toBe(false);
    const sound = paramsFor(through({ model: "dim", image: ["1", 0], factor: 0.5 }));
    await other.executor.prepare(sound);
    expect((await other.draw(sound)).width).toBe(64);
  });

  test("puts the frame through a model of the workspace, with its parameters", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor(through({ model: "dim.onnx", image: ["1", 0], factor: 0.25 }));
    await stream.executor.prepare(params);
    const { data } = await stream.draw(params);
    const plain = await stream.plain();
    expect(data.every((value, at) => Math.abs((plain.data[at] ?? 0) / 4 - value) <= 1)).toBe(true);
  });

  test("gives models vectors by entry, and pictures as data URIs or from their folders", async () => {
    await using stream = new GraphStream(host);
    const plain = await stream.plain();
    const plane = SIZE.width * SIZE.height;
    const tinted = paramsFor(through({ model: "tint", image: ["1", 0], tone: "green" }));
    await stream.executor.prepare(tinted);
    const { data: green } = await stream.draw(tinted);
    const wanted = plain.data.map((value, at) => (Math.floor(at / plane) === 1 ? value : 0));
    expect(farthest(green, wanted)).toBeLessThanOrEqual(1);
    const other = `data:image/png;base64,${LIGHT.toBase64()}`;
    const brighter = plain.data.map((value) => Math.max(value, 200));
    for (const inputs of [{ model: "larger", other }, { model: "shaded" }]) {
      const joined = paramsFor(through({ image: ["1", 0], ...inputs }));
      await stream.executor.prepare(joined);
      const { data: larger } = await stream.draw(joined);
      expect(farthest(larger, brighter)).toBeLessThanOrEqual(1);
    }
  });

  test.each([
    [{ model: "dim", speed: 2 }, "speed", "is not a parameter of the model dim, which has: factor"],
    [{ model: "dim", factor: 7 }, "factor", "must be a number from 0 to 1, got 7"],
    [{ model: "dim", factor: "much" }, "factor", 'must be a number from 0 to 1, got "much"'],
    [{ model: "tint", tone: "violet" }, "tone", "must be a list of 3 numbers"],
    [{ model: "larger", other: "a.png" }, "other", "must be a data URI"],
    [{ model: "dim", image: undefined }, "image", "is missing: the model dim needs a picture"],
    [{ model: "echo" }, "model", 'is "echo", which remembers earlier frames'],
    [{ model: "fed" }, "model", 'is "fed", which needs the outputs of other models'],
    [{ model: "broken" }, "model", 'is "broken", which cannot be used: model.json'],
  ])(
    "is told why OnnxModel with %j cannot run, before anything does",
    async (inputs, input, problem) => {
      const params = paramsFor(through({ image: ["1", 0], ...inputs }));
      await using stream = new GraphStream(host);
      const { kind, details } = await failureOf(stream.executor.prepare(params));
      expect({ kind, details }).toEqual({
        kind: "invalid_request",
        details: [
          {
            field: "prompts",
            node: "2",
            class_type: "OnnxModel",
            input,
            problem: expect.stringContaining(`${input} ${problem}`),
          },
        ],
      });
    },
  );

  test("is told which folders do not hold what loaders need", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor({
      "1": { class_type: "VAELoader", inputs: { vae_name: "dim" } },
      "2": { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
      "3": { class_type: "VAEDecode", inputs: { samples: ["2", 0], vae: ["1", 0] } },
      "4": { class_type: "SaveTensor", inputs: { images: ["3", 0] } },
    });
    const { message } = await failureOf(stream.executor.prepare(params));
    expect(message).toContain(
      'node 1 (VAELoader): vae_name is "dim", which is a single network, not a pipeline',
    );
  });

  test("is told of linked values that a parameter cannot have when they are there", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor({
      ...through({ model: "dim", image: ["1", 0], factor: ["4", 0] }),
      "4": { class_type: "PrimitiveFloat", inputs: { value: 7 } },
    });
    const drawing = stream.executor.prepare(params).then(() => stream.draw(params));
    expect((await failureOf(drawing)).message).toContain(
      "node 2 (OnnxModel): factor must be a number from 0 to 1, got 7",
    );
  });

  test("makes a depth map from black to white of the frame's own size", async () => {
    await using stream = new GraphStream(host);
    const params = paramsFor({
      "1": { class_type: "LoadTensor", inputs: {} },
      "2": {
        class_type: "DepthAnythingTensorrt",
        inputs: { images: ["1", 0], engine: "depth.engine" },
      },
      "3": { class_type: "SaveTensor", inputs: { images: ["2", 0] } },
    });
    await stream.executor.prepare(params);
    const { data, ...size } = await stream.draw(params);
    expect(size).toEqual(SIZE);
    const plane = SIZE.width * SIZE.height;
    expect(Math.min(...data)).toBe(0);
    expect(Math.max(...data)).toBe(255);
    expect(data.subarray(0, plane)).toEqual(data.subarray(plane, 2 * plane));
    // The mean of the channels, stretched.
    const { data: pixels } = await stream.plain();
    const means = Array.from({ length: plane }, (_, at) =>
      [0, 1, 2].reduce((sum, channel) => sum + (pixels[channel * plane + at] ?? 0), 0),
    );
    const [least, most] = [Math.min(...means), Math.max(...means)];
    const wanted = means.map((mean) => (255 * (mean - least)) / (most - least));
    expect(wanted.every((mean, at) => Math.abs(mean - (data[at] ?? 0)) <= 1)).toBe(true);
  });
});
