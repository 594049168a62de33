/** Numbers on their way to a model: vectors, seeds, noise, constants, time and parameters, each as the graph gets it. */
import { describe, expect, test } from "bun:test";
import type { ElementType } from "../../src/engine/models/tensor-signature.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import { TorchGenerator } from "../../src/engine/random/torch-noise.ts";
import { graphFile, ModelBench, PlanRun } from "../support/model-bench.ts";
import { copyOf, maxDifference, noisePicture } from "../support/onnx-workspace.ts";
import { drawWith, runModel } from "../support/run-model.ts";

interface Given {
  readonly dtype?: ElementType;
  readonly dims?: readonly (number | string)[];
  readonly params?: ParamValues;
  readonly timeSeconds?: number;
  readonly size?: { readonly width: number; readonly height: number };
}

/** What a graph gets at an input with this entry. */
async function received(entry: object, given: Given = {}): Promise<number[]> {
  const { dtype = "float32", dims = [], ...run } = given;
  const onnx = graphFile((graph) => {
    const x = graph.input("x", dtype, dims);
    const flat = graph.node("Reshape", [x, graph.constant("int64", [1], [-1])]);
    graph.output("seen", graph.cast(flat, "float32"), "float32", ["n"]);
  });
  const json = { inputs: { x: entry }, outputs: { seen: { role: "data" } } };
  await using bench = await ModelBench.open({ model: { json, onnx } });
  const { data } = await runModel(await bench.model(), run);
  return Array.from(data["seen"]?.data ?? [], Number);
}

const close = (numbers: readonly number[]) => numbers.map((each) => expect.closeTo(each, 3));

describe("vectors", () => {
  const entry = { role: "vector", name: "style", entries: ["a", "b", "c"], blend: true };
  test.each([
    { dtype: "float32", dims: [3] },
    { dtype: "float16", dims: [1, 3] },
    { dtype: "float32", dims: ["n"] },
  ] as const)(
    "$dtype $dims has the parameter's numbers, and the default without it",
    async (shape) => {
      expect(await received(entry, shape)).toEqual([1, 0, 0]);
      const blended = await received(entry, { ...shape, params: { style: [0.25, 0.5, 0.25] } });
      expect(blended).toEqual([0.25, 0.5, 0.25]);
    },
  );
});

describe("parameters", () => {
  const at = (value: number): Given => ({ params: { x: value } });
  const ranged = { role: "param", min: -10, max: 10, default: 0 };
  test.each([
    { mapped: {}, value: -7.5, seen: -7.5 },
    { mapped: { values: [0, 1] }, value: 5, seen: 0.75 },
    { mapped: { values: [1, 0] }, value: 10, seen: 0 },
    { mapped: { values: [0.01, 100], scale: "log" }, value: 0, seen: 1 },
    { mapped: { values: [0.01, 100], scale: "log" }, value: -10, seen: 0.01 },
    { mapped: { values: [0.01, 100], scale: "log" }, value: 5, seen: 10 },
  ])("$value of -10 to 10 with $mapped is $seen", async ({ mapped, value, seen }) => {
    expect(await received({ ...ranged, ...mapped }, at(value))).toEqual(close([seen]));
  });

  test("a switch is true or false", async () => {
    const entry = { role: "param", name: "on" };
    const bool = { dtype: "bool" } as const;
    expect(await received(entry, bool)).toEqual([0]);
    expect(await received({ ...entry, default: 1 }, bool)).toEqual([1]);
    expect(await received(entry, { ...bool, params: { on: true } })).toEqual([1]);
    expect(await received({ ...entry, default: 1 }, { ...bool, params: { on: false } })).toEqual([
      0,
    ]);
  });

  test("whole numbers are whole, and half precision enters", async () => {
    const entry = { role: "param", max: 100, default: 41 };
    for (const dtype of ["int64", "int32", "uint8", "float64", "float16"] as const) {
      expect(await received(entry, { dtype, dims: [1] })).toEqual([41]);
    }
  });

  test("a rate is summed over media time: changing it alters the speed, not the place", async () => {
    const onnx = graphFile((graph) => {
      graph.output(
        "seen",
        graph.node("Identity", [graph.input("x", "float32", [])]),
        "float32",
        [],
      );
    });
    const json = {
      inputs: { x: { role: "param", name: "speed", sum: true, max: 100, default: 0 } },
      outputs: { seen: { role: "data" } },
    };
    await using bench = await ModelBench.open({ model: { json, onnx } });
    using run = await PlanRun.open(bench.host, {});
    const sums: number[] = [];
    for (const speed of [0, 25, 25, 50, 0, 25]) {
      const { data } = await run.draw(noisePicture(8, 8), { model_params: { speed } });
      sums.push(Number(data["seen"]?.data[0]));
    }
    // 25 frames a second: 25 a second is 1 a frame, which counts from the frame before.
    expect(sums).toEqual(close([0, 1, 2, 4, 4, 5]));
  });
});

describe("the stream's own numbers", () => {
  test("time, sides and the seed", async () => {
    const scalar = { dtype: "float32" } as const;
    expect(await received({ role: "time" }, { ...scalar, timeSeconds: 12.5 })).toEqual([12.5]);
    const size = { width: 160, height: 90 };
    expect(await received({ role: "width" }, { dtype: "int64", dims: [1], size })).toEqual([160]);
    expect(await received({ role: "height" }, { dtype: "int32", size })).toEqual([90]);
    const seeded = { dtype: "int64", params: { seed: 70_000 } } as const;
    expect(await received({ role: "seed" }, seeded)).toEqual([70_000]);
  });

  test("a constant is one number for all, or a list", async () => {
    expect(await received({ role: "constant", value: 0.5 }, { dims: [2, 2] })).toEqual([
      0.5, 0.5, 0.5, 0.5,
    ]);
    const list = { role: "constant", value: [3, 1, 2] };
    expect(await received(list, { dtype: "int64", dims: [3] })).toEqual([3, 1, 2]);
    expect(
      await received(
        { role: "constant", value: 1, shape: [1, 2] },
        { dtype: "bool", dims: ["a", "b"] },
      ),
    ).toEqual([1, 1]);
    expect(
      await received({ role: "constant", value: 0.25 }, { dtype: "float16", dims: [1, 2] }),
    ).toEqual([0.25, 0.25]);
  });
});

describe("noise", () => {
  const torch = (seed: number, count: number, scale = 1) =>
    Array.from(new TorchGenerator(seed).randn(count), (each) => each * scale);

  test.each([
    { name: "of the file's shape", entry: {}, dims: [1, 4, 3, 2], count: 24, scale: 1 },
    { name: "of a given shape", entry: { shape: [2, 8] }, dims: ["a", "b"], count: 16, scale: 1 },
    { name: "scaled", entry: { scale: 0.1 }, dims: [16], count: 16, scale: 0.1 },
  ])("$name is torch's for the seed", async ({ entry, dims, count, scale }) => {
    const seen = await received({ role: "noise", ...entry }, { dims, params: { seed: 7 } });
    expect(seen).toEqual(close(torch(7, count, scale)));
    expect(await received({ role: "noise", ...entry }, { dims })).toEqual(
      close(torch(0, count, scale)),
    );
  });

  test("half precision", async () => {
    const seen = await received({ role: "noise" }, { dtype: "float16", dims: [16] });
    expect(seen).toEqual(torch(0, 16).map((each) => expect.closeTo(each, 2)));
  });

  /** Gives its input back: noise over the frame, scaled by another input. */
  const noisy = graphFile((graph) => {
    const x = graph.input("x", "float32", [1, 3, "H", "W"]);
    const amount = graph.input("amount", "float32", [1]);
    const nothing = graph.node("Mul", [amount, graph.constant("float32", [], [0])]);
    graph.output("y", graph.node("Add", [x, nothing]), "float32", [1, 3, "H", "W"]);
  });
  const OVER = {
    inputs: {
      x: { role: "noise", scale: "amount", frame: { range: [-1, 1] } },
      amount: { role: "param", default: 0, max: 4 },
    },
    outputs: { y: { role: "image", range: [-1, 1] } },
  };

  test("over the video, as strong as another input says, and still for one seed", async () => {
    await using bench = await ModelBench.open({ model: { json: OVER, onnx: noisy } });
    const model = await bench.model();
    const picture = noisePicture(24, 16);
    const draw = (params: ParamValues) => drawWith(model, { picture: copyOf(picture), params });
    expect(maxDifference(await draw({}), picture)).toBe(0);
    for (const seed of [3, 4, 3]) {
      const numbers = torch(seed, picture.data.length);
      const data = picture.data.map((byte, at) => {
        const sample = (byte / 255) * 2 - 1 + 0.5 * (numbers[at] ?? 0);
        return Math.floor(Math.min(1, Math.max(0, (sample + 1) / 2)) * 255 + 0.5);
      });
      expect(
        maxDifference(await draw({ amount: 0.5, seed }), { ...picture, data }),
      ).toBeLessThanOrEqual(1);
    }
  });

  test("without video it lies on grey, in the size of the output", async () => {
    await using bench = await ModelBench.open({ model: { json: OVER, onnx: noisy } });
    using run = await PlanRun.open(
      bench.host,
      { model_params: { amount: 1 } },
      { hasInput: false },
    );
    const { picture } = await run.draw(null, { size: { width: 32, height: 24 } });
    const numbers = torch(0, 32 * 24 * 3);
    const data = Uint8Array.from(numbers, (each) => {
      const sample = (128 / 255) * 2 - 1 + each;
      return Math.floor(Math.min(1, Math.max(0, (sample + 1) / 2)) * 255 + 0.5);
    });
    expect(maxDifference(picture, { width: 32, height: 24, data })).toBeLessThanOrEqual(1);
  });
});
