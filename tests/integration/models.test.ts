/** Models of every kind through adapter, thread and ONNX Runtime, compared with pixels computed in the test. */
import { describe, expect, test } from "bun:test";
import type { ModelHost } from "../../src/engine/device/model-host.ts";
import type { GraphBuilder, Value } from "../../src/engine/models/graph-builder.ts";
import type { Picture } from "../../src/media/picture.ts";
import {
  copyOf,
  mapPixels,
  maxDifference,
  noisePicture,
  OnnxWorkspace,
  sample,
  simpleModel,
} from "../support/onnx-workspace.ts";
import { drawWith } from "../support/run-model.ts";

const NCHW = [1, 3, "H", "W"] as const;
const same = (_: GraphBuilder, x: Value): Value => x;

async function through(
  host: ModelHost,
  name: string,
  picture: Picture,
  params: Record<string, number> = {},
): Promise<Picture> {
  const model = await host.acquire(name);
  return await drawWith(model, { params, picture: copyOf(picture) });
}

/** One model alone in a workspace, one picture through it. */
async function runOnce(
  json: unknown,
  onnx: Uint8Array,
  picture: Picture,
  params?: Record<string, number>,
): Promise<Picture> {
  await using workspace = await OnnxWorkspace.create();
  await workspace.add("model", json, onnx);
  await using host = await workspace.host();
  return await through(host, "model", picture, params);
}

const noise = noisePicture(38, 22);
const luma = ([r, g, b]: readonly [number, number, number]): number =>
  0.299 * r + 0.587 * g + 0.114 * b;

describe("built-in models", () => {
  test("identity gives back every byte", async () => {
    await using workspace = await OnnxWorkspace.create();
    await using host = await workspace.host();
    expect(maxDifference(await through(host, "identity", noise), noise)).toBe(0);
  });

  test("edges draws nothing for a flat picture, lines for a step, and nothing at strength 0", async () => {
    await using workspace = await OnnxWorkspace.create();
    await using host = await workspace.host();
    const flat = mapPixels(noise, () => [90, 120, 30]);
    expect(Math.max(...(await through(host, "edges", flat)).data)).toBeLessThanOrEqual(1);

    const step = { ...flat, data: flat.data.map((_, at) => (at % flat.width < 19 ? 10 : 200)) };
    const lines = await through(host, "edges", step);
    expect(sample(lines, 0, 5, 11)).toBe(0);
    expect(sample(lines, 0, 18, 11)).toBe(255);
    expect(sample(lines, 2, 19, 0)).toBe(255);
    expect(Math.max(...(await through(host, "edges", step, { strength: 0 })).data)).toBe(0);
  });

  test("edges computes the Sobel magnitude of luma", async () => {
    await using workspace = await OnnxWorkspace.create();
    await using host = await workspace.host();
    const soft = mapPixels(noise, (rgb) => rgb.map((each) => 100 + each / 32));
    const result = await through(host, "edges", soft, { strength: 1 });
    const at = (x: number, y: number): number =>
      luma([sample(soft, 0, x, y), sample(soft, 1, x, y), sample(soft, 2, x, y)]);
    for (let y = 1; y < soft.height - 1; y++) {
      for (let x = 1; x < soft.width - 1; x++) {
        const column = (dx: number): number =>
          at(x + dx, y - 1) + 2 * at(x + dx, y) + at(x + dx, y + 1);
        const row = (dy: number): number =>
          at(x - 1, y + dy) + 2 * at(x, y + dy) + at(x + 1, y + dy);
        const magnitude = Math.hypot(column(1) - column(-1), row(1) - row(-1));
        const expected = Math.min(255, magnitude);
        expect(Math.abs(sample(result, 0, x, y) - expected)).toBeLessThanOrEqual(1);
      }
    }
  });

  test("test-card draws at any size without a picture, moves with time and stands still at speed 0", async () => {
    await using workspace = await OnnxWorkspace.create();
    await using host = await workspace.host();
    const card = await host.acquire("test-card");
    const size = { width: 214, height: 120 };
    const draw = (timeSeconds: number, speed: number): Promise<Picture> =>
      drawWith(card, { size, params: { speed }, timeSeconds });
    expect(card.definition).toMatchObject({ video: "none", picture: null });
    const first = await draw(1, 1);
    expect([first.width, first.height]).toEqual([214, 120]);
    expect([0, 1, 2].map((channel) => sample(first, channel, 200, 60))).toEqual([0, 0, 191]);
    expect(maxDifference(first, await draw(1.04, 1))).toBeGreaterThan(50);
    expect(maxDifference(await draw(5, 0), await draw(9, 0))).toBe(0);
  });
});

describe("pixel formats", () => {
  test("floats from 0 to 1 keep every byte", async () => {
    const result = await runOnce({}, simpleModel("float32", NCHW, same), noise);
    expect(maxDifference(result, noise)).toBe(0);
  });

  test("floats from -1 to 1 negated are the negative", async () => {
    const negative = simpleModel("float32", NCHW, (graph, x) => graph.node("Neg", [x]));
    const json = {
      inputs: { x: { role: "frame", range: [-1, 1] } },
      outputs: { y: { role: "image", range: [-1, 1] } },
    };
    const expected = mapPixels(noise, (rgb) => rgb.map((each) => 255 - each));
    expect(maxDifference(await runOnce(json, negative, noise), expected)).toBe(0);
  });

  test("mean and std apply per channel, after the range", async () => {
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ] as const;
    const json = { inputs: { x: { role: "frame", mean, std } } };
    const expected = mapPixels(noise, (rgb) =>
      rgb.map((each, c) => ((each / 255 - (mean[c] ?? 0)) / (std[c] ?? 1)) * 255),
    );
    const result = await runOnce(json, simpleModel("float32", NCHW, same), noise);
    expect(maxDifference(result, expected)).toBeLessThanOrEqual(1);
  });

  test("BGR in and RGB out swaps red and blue", async () => {
    const json = { inputs: { x: { role: "frame", channels: "bgr" } } };
    const result = await runOnce(json, simpleModel("float32", NCHW, same), noise);
    expect(
      maxDifference(
        result,
        mapPixels(noise, ([r, g, b]) => [b, g, r]),
      ),
    ).toBe(0);
  });

  test("uint8 NHWC: the last axis is the channel", async () => {
    const red = simpleModel("uint8", [1, "H", "W", 3], (graph, x) =>
      graph.node("Gather", [x, graph.constant("int64", [3], [0, 0, 0])], { axis: 3n }),
    );
    const expected = mapPixels(noise, ([r]) => [r, r, r]);
    expect(maxDifference(await runOnce({}, red, noise), expected)).toBe(0);
  });

  test.each([9, 17])(
    "rank 3 CHW in operator set %d, flipped upside down by hand",
    async (opset) => {
      const rows = Array.from({ length: noise.height }, (_, y) => noise.height - 1 - y);
      const flip = simpleModel(
        "float32",
        [3, "H", "W"],
        (graph, x) =>
          graph.node("Gather", [x, graph.constant("int64", [rows.length], rows)], { axis: 1n }),
        opset,
      );
      await using workspace = await OnnxWorkspace.create();
      const size = [noise.width, noise.height];
      await workspace.add("model", { inputs: { x: { role: "frame", size } } }, flip);
      await using host = await workspace.host();
      const result = await through(host, "model", noise);
      for (const [x, y] of [
        [0, 0],
        [7, 3],
        [37, 21],
      ] as const) {
        expect(sample(result, 1, x, noise.height - 1 - y)).toBe(sample(noise, 1, x, y));
      }
    },
  );

  test("a gray float16 HWC model gets luma and gives gray", async () => {
    const gray = simpleModel("float16", ["H", "W", 1], same);
    const expected = mapPixels(noise, (rgb) => [luma(rgb), luma(rgb), luma(rgb)]);
    expect(maxDifference(await runOnce({}, gray, noise), expected)).toBeLessThanOrEqual(1);
  });

  test("values beyond the range are clamped, and NaN does not crash", async () => {
    const wild = simpleModel("float32", NCHW, (graph, x) =>
      graph.node("Mul", [
        graph.node("Sub", [x, graph.constant("float32", [], [0.5])]),
        graph.constant("float32", [], [1e9]),
      ]),
    );
    const expected = mapPixels(noise, (rgb) => rgb.map((each) => (each / 255 - 0.5) * 1e9));
    expect(maxDifference(await runOnce({}, wild, noise), expected)).toBe(0);

    const nan = simpleModel("float32", NCHW, (graph, x) =>
      graph.node("Sqrt", [graph.node("Sub", [x, graph.constant("float32", [], [9])])]),
    );
    expect((await runOnce({}, nan, noise)).data.length).toBe(noise.data.length);
  });

  test("names that the adapter adds do not collide with the model's own", async () => {
    const json = { inputs: { "byoc/picture": { role: "frame" } } };
    await using workspace = await OnnxWorkspace.create();
    const { GraphBuilder } = await import("../../src/engine/models/graph-builder.ts");
    const graph = new GraphBuilder({ prefix: "byoc/in/" });
    const x = graph.input("byoc/picture", "float32", NCHW);
    graph.output("byoc/image", graph.node("Abs", [x]), "float32", NCHW);
    await workspace.add("model", json, graph.build("test"));
    await using host = await workspace.host();
    expect(maxDifference(await through(host, "model", noise), noise)).toBe(0);
  });

  test("parameters of type float16, float64, int32 and int64 reach the model", async () => {
    const { GraphBuilder } = await import("../../src/engine/models/graph-builder.ts");
    const graph = new GraphBuilder();
    const x = graph.input("x", "float32", NCHW);
    const parts = (["float16", "int64", "float64", "int32"] as const).map((dtype) =>
      graph.cast(graph.input(dtype, dtype, [1]), "float32"),
    );
    const sum = parts.reduce((total, part) => graph.node("Add", [total, part]));
    const zero = graph.node("Mul", [x, graph.constant("float32", [], [0])]);
    graph.output("y", graph.node("Add", [zero, sum]), "float32", NCHW);
    const json = { outputs: { y: { role: "image", range: [0, 255] } } };
    const params = { float16: 0.5, int64: 1, float64: 0.25, int32: 1 };
    const limits = { float16: 100, int64: 20, float64: 3, int32: 4 };
    const inputs = Object.fromEntries(
      Object.keys(params).map((name) => [name, { role: "param", max: 255 }]),
    );
    const bytes = graph.build("test");
    const result = await runOnce({ ...json, inputs }, bytes, noise, limits);
    expect(new Set(result.data)).toEqual(new Set([127]));
  });
});
