/** Picture tensors of many kinds, in and out: element types, layouts, channels, values and sizes, compared pixel by pixel. */
import { describe, expect, test } from "bun:test";
import type { GraphBuilder, Value } from "../../src/engine/models/graph-builder.ts";
import type { ElementType } from "../../src/engine/models/tensor-signature.ts";
import type { Size } from "../../src/engine/protocol/work.ts";
import type { Picture } from "../../src/media/picture.ts";
import { graphFile, ModelBench, PlanRun } from "../support/model-bench.ts";
import {
  copyOf,
  mapPixels,
  maxDifference,
  noisePicture,
  simpleModel,
} from "../support/onnx-workspace.ts";
import { paint } from "../support/painted-picture.ts";
import { drawWith, runModel } from "../support/run-model.ts";

const noise = noisePicture(24, 16);
const luma = ([r, g, b]: readonly [number, number, number]): number =>
  0.299 * r + 0.587 * g + 0.114 * b;

/** One picture through one model. */
async function through(json: object, onnx: Uint8Array, picture = noise): Promise<Picture> {
  await using bench = await ModelBench.open({ model: { json, onnx } });
  return await drawWith(await bench.model(), { picture: copyOf(picture) });
}

const same = (_: GraphBuilder, x: Value): Value => x;
const negative = ({ data, ...size }: Picture): Picture => ({
  ...size,
  data: data.map((byte) => 255 - byte),
});

describe("element types", () => {
  test("uint8 NHWC in BGR: the first channel is blue", async () => {
    const onnx = simpleModel("uint8", [1, "H", "W", 3], (graph, x) =>
      graph.node("Gather", [x, graph.constant("int64", [3], [0, 0, 0])], { axis: 3n }),
    );
    const json = { inputs: { x: { role: "frame", channels: "bgr" } } };
    const expected = mapPixels(noise, ([, , b]) => [b, b, b]);
    expect(maxDifference(await through(json, onnx), expected)).toBe(0);
  });

  test("uint8 in gray gets luma, in whole steps", async () => {
    const onnx = simpleModel("uint8", [1, 1, "H", "W"], same);
    const expected = mapPixels(noise, (rgb) => [luma(rgb), luma(rgb), luma(rgb)]);
    expect(maxDifference(await through({}, onnx), expected)).toBeLessThanOrEqual(1);
  });

  test("int8 in and out, each with its own scale and zero point", async () => {
    // Quantised twice: 0 to 1 in steps of 1/255 from -128, then in steps of 1/100 from -20.
    const onnx = graphFile((graph) => {
      const x = graph.input("x", "int8", [1, 3, "H", "W"]);
      const level = graph.node("Add", [
        graph.cast(x, "float32"),
        graph.constant("float32", [], [128]),
      ]);
      const steps = graph.node("Mul", [level, graph.constant("float32", [], [100 / 255])]);
      const rounded = graph.node("Floor", [
        graph.node("Add", [steps, graph.constant("float32", [], [0.5])]),
      ]);
      const q = graph.cast(
        graph.node("Add", [rounded, graph.constant("float32", [], [-20])]),
        "int8",
      );
      graph.output("y", q, "int8", [1, 3, "H", "W"]);
    });
    const json = {
      inputs: { x: { role: "frame", scale: 1 / 255, zero_point: -128 } },
      outputs: { y: { role: "image", scale: 0.01, zero_point: -20 } },
    };
    const expected = mapPixels(noise, (rgb) =>
      rgb.map((each) => (Math.floor((each / 255) * 100 + 0.5) / 100) * 255),
    );
    expect(maxDifference(await through(json, onnx), expected)).toBeLessThanOrEqual(1);
  });

  test("float16 from -1 to 1, NHWC", async () => {
    const onnx = simpleModel("float16", [1, "H", "W", 3], (graph, x) => graph.node("Neg", [x]));
    const json = {
      inputs: { x: { role: "frame", range: [-1, 1] } },
      outputs: { y: { role: "image", range: [-1, 1] } },
    };
    expect(maxDifference(await through(json, onnx), negative(noise))).toBeLessThanOrEqual(1);
  });

  test.each(["float32", "float16"] as const)(
    "%s from 0 to 255 with mean and std of each channel, in BGR",
    async (dtype: ElementType) => {
      const onnx = simpleModel(dtype, [1, 3, "H", "W"], same);
      const [mean, std] = [
        [104, 117, 123],
        [2, 4, 8],
      ];
      const fields = { channels: "bgr", range: [0, 255] };
      const inputs = { x: { role: "frame", ...fields, mean, std } };
      const undone = { inputs, outputs: { y: { role: "image", ...fields, mean, std } } };
      expect(maxDifference(await through(undone, onnx), noise)).toBeLessThanOrEqual(1);
      const raw = { inputs, outputs: { y: { role: "image", ...fields } } };
      const expected = mapPixels(noise, ([r, g, b]) => [
        (r - 123) / 8,
        (g - 117) / 4,
        (b - 104) / 2,
      ]);
      expect(maxDifference(await through(raw, onnx), expected)).toBeLessThanOrEqual(1);
    },
  );
});

describe("layouts", () => {
  const SHAPES = {
    nchw: [1, 3, 16, 24],
    nhwc: [1, 16, 24, 3],
    chw: [3, 16, 24],
    hwc: [16, 24, 3],
    nhw: [1, 16, 24],
    hw: [16, 24],
  } as const;
  const layouts = Object.keys(SHAPES) as (keyof typeof SHAPES)[];

  test.each(layouts)("%s in and out, the left half dark", async (layout) => {
    const shape = SHAPES[layout];
    const column = layout.indexOf("w");
    const onnx = simpleModel("float32", shape, (graph, x) => {
      const sides = shape.map((_, at) => (at === column ? 24 : 1));
      const share = Array.from({ length: 24 }, (_, at) => (at < 12 ? 0 : 1));
      return graph.node("Mul", [x, graph.constant("float32", sides, share)]);
    });
    const channels = layout.includes("c") ? "rgb" : "gray";
    const json = {
      inputs: { x: { role: "frame", layout, channels } },
      outputs: { y: { role: "image", layout, channels } },
    };
    const gray = mapPixels(noise, (rgb) =>
      channels === "rgb" ? rgb : [luma(rgb), luma(rgb), luma(rgb)],
    );
    const expected = { ...gray, data: gray.data.map((byte, at) => (at % 24 < 12 ? 0 : byte)) };
    expect(maxDifference(await through(json, onnx), expected)).toBeLessThanOrEqual(1);
  });

  test("an output of another layout and element type than the input's", async () => {
    const onnx = graphFile((graph) => {
      const x = graph.input("x", "uint8", [1, 16, 24, 3]);
      const planes = graph.node("Transpose", [graph.cast(x, "float16")], {
        perm: [0n, 3n, 1n, 2n],
      });
      graph.output("y", graph.squeeze(planes, 0), "float16", [3, 16, 24]);
    });
    const json = { outputs: { y: { role: "image", range: [0, 255] } } };
    expect(maxDifference(await through(json, onnx), noise)).toBe(0);
  });

  test("an output that is twice as large, and one whose sides have changed places", async () => {
    const twice = graphFile((graph) => {
      const x = graph.input("x", "float32", [1, 3, "H", "W"]);
      const large = graph.node(
        "Resize",
        [x, "" as Value, graph.constant("float32", [4], [1, 1, 2, 2])],
        {
          mode: "nearest",
          coordinate_transformation_mode: "asymmetric",
          nearest_mode: "floor",
        },
      );
      graph.output("y", large, "float32", [1, 3, "H2", "W2"]);
    });
    const large = await through({}, twice);
    const doubled = paint(
      { width: 48, height: 32 },
      (x, y) =>
        [0, 1, 2].map((c) => noise.data[c * 384 + (y >> 1) * 24 + (x >> 1)] ?? 0) as [
          number,
          number,
          number,
        ],
    );
    expect(maxDifference(large, doubled)).toBe(0);

    const turned = graphFile((graph) => {
      const x = graph.input("x", "float32", [1, 3, "H", "W"]);
      graph.output("y", graph.node("Transpose", [x], { perm: [0n, 1n, 3n, 2n] }), "float32", [
        1,
        3,
        "W",
        "H",
      ]);
    });
    const transposed = paint(
      { width: 16, height: 24 },
      (x, y) =>
        [0, 1, 2].map((c) => noise.data[c * 384 + x * 24 + y] ?? 0) as [number, number, number],
    );
    expect(maxDifference(await through({}, turned), transposed)).toBe(0);

    await using bench = await ModelBench.open({ model: { json: {}, onnx: twice } });
    using run = await PlanRun.open(bench.host, {});
    const shown = await run.show(mapPixels(noise, () => [90, 120, 60]));
    expect([shown.width, shown.height]).toEqual([24, 16]);
    expect(
      maxDifference(
        shown,
        mapPixels(noise, () => [90, 120, 60]),
      ),
    ).toBeLessThanOrEqual(3);
  });
});

describe("sizes", () => {
  /** Draws the size of its input: red is its width, green its height. */
  const sized = (dims: readonly (number | string)[]) =>
    graphFile((graph) => {
      const x = graph.input("x", "uint8", dims);
      const shape = graph.node("Shape", [x]);
      const side = (at: number) =>
        graph.node("Reshape", [
          graph.cast(
            graph.node("Gather", [shape, graph.constant("int64", [1], [at])], { axis: 0n }),
            "uint8",
          ),
          graph.constant("int64", [4], [1, 1, 1, 1]),
        ]);
      const colour = graph.node(
        "Concat",
        [side(3), side(2), graph.constant("uint8", [1, 1, 1, 1], [0])],
        { axis: 1n },
      );
      graph.output("y", graph.node("Expand", [colour, shape]), "uint8", dims);
    });

  test.each([
    { multiple: 32, size: { width: 100, height: 76 }, inner: [96, 64] },
    { multiple: 32, size: { width: 10, height: 48 }, inner: [32, 64] },
    { multiple: 1, size: { width: 62, height: 38 }, inner: [62, 38] },
  ] as { multiple: number; size: Size; inner: number[] }[])(
    "multiples of $multiple: $size is run at $inner",
    async ({ multiple, size, inner }) => {
      const json = { inputs: { x: { role: "frame", multiple_of: multiple } } };
      await using bench = await ModelBench.open({ model: { json, onnx: sized([1, 3, "H", "W"]) } });
      using run = await PlanRun.open(bench.host, {});
      const { picture } = await run.draw(noisePicture(size.width, size.height));
      expect([picture.width, picture.height]).toEqual(inner);
      expect(
        [0, 1].map((channel) => picture.data[channel * picture.width * picture.height]),
      ).toEqual(inner);
    },
  );

  const RED = [255, 0, 0] as const;
  /** Red at the left and right edge, an eighth of the width each, grey between. */
  const barred = paint({ width: 64, height: 32 }, (x) => (x < 8 || x >= 56 ? RED : [90, 90, 90]));
  const column = ({ data, width, height }: Picture, x: number) =>
    [0, 1, 2].map((channel) => data[(channel * height + (height >> 1)) * width + x] ?? 0);
  const isRed = ([r = 0, g = 0]: number[]) => r > 180 && g < 80;
  const isGrey = ([r = 0, g = 0]: number[]) => Math.abs(r - 90) < 25 && Math.abs(g - 90) < 25;
  const isBlack = (rgb: number[]) => rgb.every((each) => each < 25);

  test.each([
    { fit: "cover", left: isGrey, top: isGrey },
    { fit: "stretch", left: isRed, top: isGrey },
    { fit: "contain", left: isRed, top: isBlack },
  ])("a fixed size gets a wider frame by its fit: $fit", async ({ fit, left, top }) => {
    const onnx = simpleModel("uint8", [1, 3, 32, 32], same);
    await using bench = await ModelBench.open({ model: { json: { fit }, onnx } });
    using run = await PlanRun.open(bench.host, {});
    const { picture } = await run.draw(barred);
    expect([picture.width, picture.height]).toEqual([32, 32]);
    expect(left(column(picture, 1))).toBeTrue();
    expect(top([0, 1, 2].map((channel) => picture.data[channel * 1024 + 16] ?? 0))).toBeTrue();
  });

  test("a fixed size without a fit shows the same part of the frame, in the output's shape", async () => {
    const onnx = simpleModel("uint8", [1, 3, 32, 32], same);
    await using bench = await ModelBench.open({ model: { json: {}, onnx } });
    using run = await PlanRun.open(bench.host, {});
    const shown = await run.show(barred);
    expect([shown.width, shown.height]).toEqual([64, 32]);
    expect([isRed(column(shown, 2)), isGrey(column(shown, 32)), isRed(column(shown, 61))]).toEqual([
      true,
      true,
      true,
    ]);
    // The output is square, and crops the frame before the model sees it.
    const square = await run.show(barred, { size: { width: 32, height: 32 } });
    expect(isGrey(column(square, 1))).toBeTrue();
  });

  test("a second picture is scaled to the multiples that its port takes", async () => {
    const onnx = graphFile((graph) => {
      const x = graph.input("x", "uint8", [1, 3, "h", "w"]);
      const shape = graph.node("Shape", [x]);
      graph.output("sides", graph.cast(shape, "float32"), "float32", [4]);
    });
    const json = {
      inputs: { x: { role: "image", multiple_of: 32 } },
      outputs: { sides: { role: "data" } },
    };
    await using bench = await ModelBench.open({ model: { json, onnx } });
    const { data } = await runModel(await bench.model(), { size: { width: 100, height: 75 } });
    expect(Array.from(data["sides"]?.data ?? [], Number)).toEqual([1, 3, 64, 96]);
  });
});
