import { expect, test } from "bun:test";
import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { Session } from "../../src/engine/device/worker/runtime.ts";
import { fuse } from "../../src/engine/models/graph-fusion.ts";
import type { Tensor } from "../../src/engine/models/tensor.ts";
import { parseGraph } from "../../src/engine/models/tensor-signature.ts";
import { type AttentionVariant, attentionGraph, TOKEN_WIDTH } from "../support/attention-graph.ts";
import {
  INPUT_CHANNELS,
  narrowGraph,
  normGraph,
  upsampleGraph,
  wave,
} from "../support/fusible-graphs.ts";
import { sharedData } from "../support/shared-data.ts";

const MULTISTYLE = "models/trained/multistyle26.onnx";

/** Both outputs must have the same dimensions, and samples that are equal up to `tolerance`. */
async function expectSameResults(
  bytes: Uint8Array,
  feeds: readonly Record<string, Tensor>[],
  output: string,
  tolerance: number,
): Promise<void> {
  const model = parseGraph(bytes);
  fuse(model);
  const rewritten = toBinary(ModelProtoSchema, model);
  expect(Buffer.compare(rewritten, bytes)).not.toBe(0);
  const { settings } = parseDevice("cpu");
  const [before, after] = [
    await Session.open(bytes, settings),
    await Session.open(rewritten, settings),
  ];
  for (const feed of feeds) {
    const { [output]: expected } = await before.run(feed, [output]);
    const { [output]: actual } = await after.run(feed, [output]);
    if (expected === undefined || actual === undefined) throw new Error(`no output ${output}`);
    expect(actual.dims).toEqual(expected.dims);
    expect(largestDifference(actual, expected)).toBeLessThan(tolerance);
  }
  await before.release();
  await after.release();
}

function largestDifference(a: Tensor, b: Tensor): number {
  const [left, right] = [a.data as Float32Array, b.data as Float32Array];
  // A NaN stays one, and fails.
  return left.reduce((most, each, index) => {
    const difference = Math.abs(each - (right[index] ?? Number.NaN));
    return Math.max(most, difference);
  }, 0);
}

const floats = (dims: readonly number[], seed = 1): Tensor => ({
  dtype: "float32",
  dims,
  data: new Float32Array(
    wave(
      dims.reduce((a, b) => a * b),
      seed,
    ),
  ),
});

/** Even and odd sizes, and more than one picture. */
const PICTURES = [
  { x: floats([1, INPUT_CHANNELS, 12, 16]) },
  { x: floats([1, INPUT_CHANNELS, 11, 13]) },
  { x: floats([3, INPUT_CHANNELS, 9, 14]) },
];

test.each([
  ["constant scale and shift", normGraph()],
  ["a square by multiplication", normGraph({ square: "product", inverse: "one over" })],
  ["a reciprocal and pooled means", normGraph({ inverse: "reciprocal", mean: "pooled" })],
  ["axes as an input", normGraph({ opset: 18 })],
  ["an old operator set", normGraph({ opset: 9 })],
  ["a scale alone", normGraph({ affine: "scale only" })],
  ["neither scale nor shift", normGraph({ affine: "none" })],
  ["a computed scale and shift", normGraph({ affine: "computed" })],
  ["one computed scale and shift for all channels", normGraph({ affine: "one for all" })],
])("an instance normalisation with %s gives the same after it was fused", async (_, bytes) => {
  await expectSameResults(bytes, PICTURES, "y", 1e-5);
});

test.each([
  ["a reflected border", upsampleGraph()],
  ["a repeated border", upsampleGraph({ border: "edge" })],
  ["a border as PyTorch writes it", upsampleGraph({ border: "torch", outputs: 8 })],
  ["many channels", upsampleGraph({ outputs: 40 })],
  ["zeros around it", upsampleGraph({ border: "in the convolution", outputs: 1 })],
  [
    "halves rounded down",
    upsampleGraph({ position: "asymmetric", rounding: "round_prefer_floor" }),
  ],
  [
    "centred samples",
    upsampleGraph({ position: "half_pixel", rounding: "round_prefer_floor", outputs: 7 }),
  ],
  [
    "centred samples as PyTorch has them",
    upsampleGraph({ position: "pytorch_half_pixel", rounding: "round_prefer_floor" }),
  ],
  ["operator set 10", upsampleGraph({ opset: 10 })],
  ["Upsample", upsampleGraph({ opset: 9 })],
])("an enlargement with %s gives the same after it was fused", async (_, bytes) => {
  await expectSameResults(bytes, PICTURES, "y", 1e-5);
});

test.each([
  ["three channels", narrowGraph()],
  ["one channel and a bias", narrowGraph({ outputs: 1, bias: true })],
  ["four channels and uneven pads", narrowGraph({ outputs: 4, bias: true, pads: [1, 2, 0, 1] })],
  ["an uneven kernel", narrowGraph({ kernel: [3, 7], pads: [1, 3, 1, 3] })],
  ["an even kernel", narrowGraph({ kernel: [4, 4] })],
  ["operator set 10", narrowGraph({ opset: 10 })],
])("a convolution to %s gives the same after it was fused", async (_, bytes) => {
  await expectSameResults(bytes, PICTURES, "y", 1e-5);
});

/** More keys than a block holds, fewer, and one. */
const SEQUENCES = (
  [
    [1, 600, 600],
    [2, 30, 77],
    [3, 1, 1],
  ] as const
).map(([n, queries, keys]) => ({
  x: floats([n, queries, TOKEN_WIDTH]),
  c: floats([n, keys, TOKEN_WIDTH], 2),
}));

test.each<[string, AttentionVariant]>([
  ["a scale", {}],
  ["a divisor", { scaling: "quotient" }],
  ["a scale on both sides", { scaling: "root of both sides" }],
  ["heads apart", { heads: "apart", scaling: "root of both sides" }],
  ["an empty mask", { mask: "others times 0", casts: true }],
])("an attention with %s gives the same after it was fused", async (_, variant) => {
  await expectSameResults(attentionGraph(variant), SEQUENCES, "y", 1e-5);
});

test("an attention between 8,192 places keeps none of its 67 million pairs", async () => {
  const model = parseGraph(attentionGraph());
  fuse(model);
  const { settings } = parseDevice("cpu"); // with an arena, which would keep a quarter of a gigabyte for each matrix
  const session = await Session.open(toBinary(ModelProtoSchema, model), settings);
  const before = process.memoryUsage.rss();
  const feed = { x: floats([1, 8192, TOKEN_WIDTH]), c: floats([1, 8192, TOKEN_WIDTH], 2) };
  await session.run(feed, ["y"]);
  expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 2 ** 20);
  await session.release();
});

const multistyle = sharedData(MULTISTYLE);

test.skipIf(multistyle === null)(
  "a trained network paints the same picture after it was fused",
  async () => {
    const bytes = new Uint8Array(await Bun.file(multistyle ?? "").arrayBuffer());
    const blend = new Float32Array(26);
    blend.set([0.25, 0.75], 5);
    const style: Tensor = { dtype: "float32", dims: [26], data: blend };
    const feeds = [
      { image: floats([1, 3, 128, 96]), style_weights: style },
      { image: floats([1, 3, 75, 101], 2), style_weights: style },
    ];
    await expectSameResults(bytes, feeds, "stylized", 1e-4);
  },
);
