/** Models whose output is a map: masks and heat over the video, in the output's size, compared pixel by pixel. */
import { describe, expect, test } from "bun:test";
import type { GraphBuilder, Value } from "../../src/engine/models/graph-builder.ts";
import { colourTable } from "../../src/engine/models/roles/colour-maps.ts";
import type { StillPicture } from "../../src/engine/models/roles/role.ts";
import type { ParamValues } from "../../src/engine/protocol/models.ts";
import type { Picture } from "../../src/media/picture.ts";
import { graphFile, ModelBench, type SmallModel } from "../support/model-bench.ts";
import { copyOf, maxDifference, noisePicture } from "../support/onnx-workspace.ts";
import { drawWith } from "../support/run-model.ts";

const WIDE = noisePicture(24, 16);
const SMALL = { width: 6, height: 4 };

/** A model at a quarter of the output's size: its map is the first channel of what it is given. */
const redMap = (json: object, opset?: number): SmallModel => ({
  json: { inputs: { x: { role: "frame" } }, ...json },
  onnx: graphFile(
    (graph) => {
      const frame = graph.input("x", "float32", [1, 3, 4, 6]);
      const red = graph.node("Gather", [frame, graph.constant("int64", [1], [0])], { axis: 1n });
      graph.output("m", red, "float32", [1, 1, 4, 6]);
    },
    opset === undefined ? {} : { opset },
  ),
});

interface MapRun {
  readonly lane?: string;
  readonly params?: ParamValues;
  readonly stills?: Readonly<Record<string, StillPicture>>;
}

/** Draws `small`, as the model sees the frame, over the frame itself. */
async function over(bench: ModelBench, small: Picture, run: MapRun = {}): Promise<Picture> {
  const model = await bench.model();
  return await drawWith(model, { picture: copyOf(small), original: copyOf(WIDE), ...run });
}

/** A map in the size of the output: between samples it is interpolated as by half pixels. */
function enlarged(map: readonly number[]): number[] {
  const at = (from: number, length: number): [number, number, number] => {
    const place = Math.min(length - 1, Math.max(0, from));
    const below = Math.floor(place);
    return [below, Math.min(length - 1, below + 1), place - below];
  };
  return Array.from({ length: WIDE.width * WIDE.height }, (_, pixel) => {
    const [left, right, x] = at(((pixel % WIDE.width) + 0.5) / 4 - 0.5, SMALL.width);
    const [top, bottom, y] = at((Math.floor(pixel / WIDE.width) + 0.5) / 4 - 0.5, SMALL.height);
    const row = (of: number): number =>
      (map[of * SMALL.width + left] ?? 0) * (1 - x) + (map[of * SMALL.width + right] ?? 0) * x;
    return row(top) * (1 - y) + row(bottom) * y;
  });
}

/** The frame where the map is 1, `background` where it is 0. */
function composited(
  map: readonly number[],
  background: (channel: number, pixel: number) => number,
): Picture {
  const shares = enlarged(map);
  const pixels = WIDE.width * WIDE.height;
  const data = WIDE.data.map((byte, at) => {
    const [channel, pixel] = [Math.floor(at / pixels), at % pixels];
    const behind = background(channel, pixel);
    return Math.floor(behind + (byte - behind) * (shares[pixel] ?? 0) + 0.5);
  });
  return { ...WIDE, data };
}

const small = noisePicture(SMALL.width, SMALL.height);
const red = [...small.data.subarray(0, 24)].map((byte) => byte / 255);
const GREEN = [0, 0.7 * 255, 0.25 * 255];
const green = (channel: number) => GREEN[channel] ?? 0;

describe("mask", () => {
  test.each([
    { name: "as it is", fields: {}, share: (v: number) => v },
    { name: "inverted", fields: { invert: true }, share: (v: number) => 1 - v },
    {
      name: "cut at a threshold",
      fields: { threshold: 0.5 },
      share: (v: number) => Number(v > 0.5),
    },
    {
      name: "cut and inverted",
      fields: { threshold: 0.5, invert: true },
      share: (v: number) => Number(v <= 0.5),
    },
    {
      name: "of another range",
      fields: { range: [0.25, 0.75] },
      share: (v: number) => Math.min(1, Math.max(0, v * 2 - 0.5)),
    },
    {
      name: "whose dark values are the foreground",
      fields: { range: [1, 0] },
      share: (v: number) => 1 - v,
    },
  ])("$name keeps the frame sharp in the output's size", async ({ fields, share }) => {
    await using bench = await ModelBench.open({
      model: redMap({ outputs: { m: { role: "mask", ...fields } } }),
    });
    const drawn = await over(bench, small);
    expect(maxDifference(drawn, composited(red.map(share), green))).toBeLessThanOrEqual(1);
  });

  test("the background's colour is a parameter", async () => {
    await using bench = await ModelBench.open({
      model: redMap({ outputs: { m: { role: "mask" } } }),
    });
    const drawn = await over(bench, small, { params: { background: [1, 0, 0.2] } });
    const colour = (channel: number) => [255, 0, 51][channel] ?? 0;
    expect(maxDifference(drawn, composited(red, colour))).toBeLessThanOrEqual(1);
  });

  test("the least and the greatest value are background and foreground where the range is auto", async () => {
    await using bench = await ModelBench.open({
      model: redMap({ outputs: { m: { role: "mask", range: "auto" } } }),
    });
    const [least, greatest] = [Math.min(...red), Math.max(...red)];
    const shares = red.map((each) => (each - least) / (greatest - least));
    expect(maxDifference(await over(bench, small), composited(shares, green))).toBeLessThanOrEqual(
      1,
    );
    // A flat map has no foreground, and divides by nothing.
    const flat = { ...small, data: small.data.map(() => 77) };
    const background = composited(
      red.map(() => 0),
      green,
    );
    expect(maxDifference(await over(bench, flat), background)).toBeLessThanOrEqual(1);
  });

  test("another picture is the background; without one it is black", async () => {
    await using bench = await ModelBench.open({
      model: redMap({ outputs: { m: { role: "mask", over: "image" } } }),
    });
    expect(
      maxDifference(
        await over(bench, small),
        composited(red, () => 0),
      ),
    ).toBeLessThanOrEqual(1);
    const behind: StillPicture = { ...WIDE, data: WIDE.data.map((byte) => 255 - byte) };
    const drawn = await over(bench, small, {
      params: { background: "data:behind" },
      stills: { "data:behind": behind },
    });
    const pixels = WIDE.width * WIDE.height;
    const expected = composited(
      red,
      (channel, pixel) => behind.data[channel * pixels + pixel] ?? 0,
    );
    expect(maxDifference(drawn, expected)).toBeLessThanOrEqual(1);
  });

  test("the blurred frame is the background: flat areas stay, edges become soft", async () => {
    await using bench = await ModelBench.open({
      model: redMap({ outputs: { m: { role: "mask", over: "blur" } } }),
    });
    const model = await bench.model();
    const size = { width: 96, height: 64 };
    const step = (of: Picture) => ({
      ...of,
      data: of.data.map((_, at) => (at % of.width < of.width / 2 ? 40 : 200)),
    });
    const original = step(noisePicture(size.width, size.height));
    const nothing = { ...small, data: small.data.map(() => 0) };
    const { data } = await drawWith(model, { picture: nothing, original: copyOf(original) });
    const row = [...data.subarray(96 * 30, 96 * 31)];
    expect([row[2], row[93]]).toEqual([40, 200]);
    expect(row).toEqual(row.toSorted((a, b) => a - b));
    expect(new Set(row).size).toBeGreaterThan(10);
    const everything = { ...small, data: small.data.map(() => 255) };
    const sharp = await drawWith(model, { picture: everything, original: copyOf(original) });
    expect(maxDifference(sharp, original)).toBe(0);
  });

  const softmax = (opset: number, dtype: "float32" | "float16") =>
    graphFile(
      (graph) => {
        const frame = graph.input("x", dtype, [1, 3, 4, 6]);
        const pair = graph.node("Gather", [frame, graph.constant("int64", [2], [1, 0])], {
          axis: 1n,
        });
        graph.output("m", pair, dtype, [1, 2, 4, 6]);
      },
      { opset },
    );
  test.each([
    { opset: 11, dtype: "float32" },
    { opset: 12, dtype: "float32" },
    { opset: 13, dtype: "float32" },
    { opset: 17, dtype: "float16" },
  ] as const)(
    "probabilities of the second of two channels, operator set $opset, $dtype",
    async ({ opset, dtype }) => {
      const output = { role: "mask", channel: 1, activation: "softmax" };
      const json = { inputs: { x: { role: "frame", range: [-4, 4] } }, outputs: { m: output } };
      await using bench = await ModelBench.open({ model: { json, onnx: softmax(opset, dtype) } });
      const score = (channel: number, pixel: number): number =>
        ((small.data[channel * 24 + pixel] ?? 0) / 255) * 8 - 4;
      const shares = red.map((_, pixel) => {
        const [one, other] = [Math.exp(score(0, pixel)), Math.exp(score(1, pixel))];
        return one / (one + other);
      });
      expect(
        maxDifference(await over(bench, small), composited(shares, green)),
      ).toBeLessThanOrEqual(1);
    },
  );

  test.each([
    { layout: "nhwc", shape: [1, 4, 6, 1] },
    { layout: "hwc", shape: [4, 6, 1] },
    { layout: "nhw", shape: [1, 4, 6] },
    { layout: "hw", shape: [4, 6] },
    { layout: "chw", shape: [1, 4, 6] },
  ])("maps of raw scores in $layout", async ({ layout, shape }) => {
    const onnx = graphFile((graph) => {
      const frame = graph.input("x", "float32", [1, 3, 4, 6]);
      const map = graph.node("Gather", [frame, graph.constant("int64", [1], [0])], { axis: 1n });
      const placed = graph.node("Reshape", [map, graph.constant("int64", [shape.length], shape)]);
      graph.output("m", placed, "float32", shape);
    });
    const inputs = { x: { role: "frame", range: [-3, 3] } };
    const outputs = { m: { role: "mask", layout, activation: "sigmoid" } };
    await using bench = await ModelBench.open({ model: { json: { inputs, outputs }, onnx } });
    const shares = red.map((each) => 1 / (1 + Math.exp(3 - each * 6)));
    expect(maxDifference(await over(bench, small), composited(shares, green))).toBeLessThanOrEqual(
      1,
    );
  });

  test("classes as whole numbers: what is above the threshold is foreground", async () => {
    const onnx = graphFile((graph) => {
      const frame = graph.input("x", "uint8", [1, 3, 4, 6]);
      const map = graph.node("Gather", [frame, graph.constant("int64", [1], [0])], { axis: 1n });
      graph.output("m", graph.cast(map, "int64"), "int64", [1, 1, 4, 6]);
    });
    const outputs = { m: { role: "mask", range: [0, 255], threshold: 0.4 } };
    const json = { inputs: { x: { role: "frame" } }, outputs };
    await using bench = await ModelBench.open({ model: { json, onnx } });
    const shares = red.map((each) => Number(each > 0.4));
    expect(maxDifference(await over(bench, small), composited(shares, green))).toBeLessThanOrEqual(
      1,
    );
  });
});

describe("heat", () => {
  const tables = [0, 1, 2].map((channel) => colourTable("viridis", channel));
  /** The colours of a map of whole shares, laid over the frame. */
  const heated = (shares: readonly number[], blend: number): Picture => {
    const planes = tables.map((table) =>
      enlarged(shares.map((each) => table[Math.round(each * 255)] ?? 0)),
    );
    const pixels = WIDE.width * WIDE.height;
    return {
      ...WIDE,
      data: WIDE.data.map((byte, at) => {
        const colour = planes[Math.floor(at / pixels)]?.[at % pixels] ?? 0;
        return Math.floor(byte + (colour - byte) * blend + 0.5);
      }),
    };
  };
  const heatModel = (fields: object) =>
    redMap({ outputs: { m: { role: "heat", colours: "viridis", ...fields } } });

  test.each([0, 0.3, 1])("a fixed range, blend %d", async (blend) => {
    await using bench = await ModelBench.open({ model: heatModel({ range: [0, 1] }) });
    const drawn = await over(bench, small, { params: { blend } });
    expect(maxDifference(drawn, heated(red, blend))).toBeLessThanOrEqual(1);
  });

  test("the blend's default is the file's; values beyond the range have its last colours", async () => {
    await using bench = await ModelBench.open({
      model: heatModel({ range: [0.4, 0.6], blend: 1 }),
    });
    const shares = red.map((each) => Math.min(1, Math.max(0, (each - 0.4) * 5)));
    // Beside the ends a share may fall on either of two colours.
    expect(maxDifference(await over(bench, small), heated(shares, 1))).toBeLessThanOrEqual(3);
  });

  test("the range follows the map slowly, by stream, and a flash does not flicker", async () => {
    await using bench = await ModelBench.open({ model: heatModel({}) });
    const scaled = (share: number): Picture => ({
      ...small,
      data: small.data.map((byte) => Math.round(byte * share)),
    });
    let bounds: [number, number] | null = null;
    const draw = async (share: number, lane = "a") => {
      const picture = scaled(share);
      const map = [...picture.data.subarray(0, 24)].map((byte) => byte / 255);
      const now: [number, number] = [Math.min(...map), Math.max(...map)];
      if (lane === "a")
        bounds =
          bounds === null
            ? now
            : ([0, 1].map((at) => now[at as 0] * 0.1 + (bounds?.[at as 0] ?? 0) * 0.9) as [
                number,
                number,
              ]);
      const [from, to] = lane === "a" && bounds ? bounds : now;
      const shares = map.map((each) => Math.min(1, Math.max(0, (each - from) / (to - from))));
      const drawn = await over(bench, picture, { lane, params: { blend: 1 } });
      expect(maxDifference(drawn, heated(shares, 1))).toBeLessThanOrEqual(3);
      return drawn;
    };
    await draw(0.5);
    await draw(0.5);
    await draw(1); // all that is brighter has the last colour, and the rest has hardly changed
    await draw(0.5);
    await draw(1, "b");
  });

  test("a map that is not a number in one frame spoils neither that frame's run nor the next ones", async () => {
    const onnx = graphFile((graph) => {
      const frame = graph.input("x", "float32", [1, 3, 4, 6]);
      const zero = graph.input("zero", "float32", []);
      const map = graph.node("Gather", [frame, graph.constant("int64", [1], [0])], { axis: 1n });
      const spoilt = graph.node("Div", [graph.node("Mul", [map, zero]), zero]);
      graph.output("m", spoilt, "float32", [1, 1, 4, 6]);
    });
    const inputs = { x: { role: "frame" }, zero: { role: "param", default: 1 } };
    const outputs = { m: { role: "heat", colours: "viridis", blend: 1 } };
    await using bench = await ModelBench.open({ model: { json: { inputs, outputs }, onnx } });
    const [least, greatest] = [Math.min(...red), Math.max(...red)];
    const expected = heated(
      red.map((each) => (each - least) / (greatest - least)),
      1,
    );
    expect(maxDifference(await over(bench, small), expected)).toBeLessThanOrEqual(3);
    await over(bench, small, { params: { zero: 0 } });
    expect(maxDifference(await over(bench, small), expected)).toBeLessThanOrEqual(3);
  });
});

test("a mask that is not a number shows some picture", async () => {
  const nan = (graph: GraphBuilder, of: Value) =>
    graph.node("Sqrt", [graph.node("Sub", [of, graph.constant("float32", [], [9])])]);
  const onnx = graphFile((graph) => {
    const frame = graph.input("x", "float32", [1, 3, 4, 6]);
    const map = graph.node("Gather", [frame, graph.constant("int64", [1], [0])], { axis: 1n });
    graph.output("m", nan(graph, map), "float32", [1, 1, 4, 6]);
  });
  const json = { inputs: { x: { role: "frame" } }, outputs: { m: { role: "mask" } } };
  await using bench = await ModelBench.open({ model: { json, onnx } });
  expect((await over(bench, small)).data.length).toBe(WIDE.data.length);
});
