/** The role `noise`: its tensor, its scale, and that a seed gives the same noise every time. */
import { expect, test } from "bun:test";
import type { PortEntry } from "../../../../../src/engine/models/model-json.ts";
import { type NoisePort, noise } from "../../../../../src/engine/models/roles/noise.ts";
import type { Lane, RunItem } from "../../../../../src/engine/models/roles/role.ts";
import { TorchGenerator } from "../../../../../src/engine/random/torch-noise.ts";
import { inputPort, inputProblems, withInput } from "./bind.ts";

// It has the role of one.
const portOf = (entry: PortEntry, tensor: string) => inputPort(entry, tensor) as NoisePort;

const item = (seed: number): RunItem => ({
  lane: "a",
  picture: null,
  original: null,
  size: { width: 6, height: 4 },
  values: { z: seed },
});

test("noise has the file's dimensions, those of a shape, and the frame's sides where it is added to it", () => {
  expect(portOf({ role: "noise" }, "z float32 [1, 4, 8, 8]").dims).toEqual([1, 4, 8, 8]);
  expect(portOf({ role: "noise", shape: [1, 4, 8, 8] }, "z float32 [N, 4, h, w]").dims).toEqual([
    1, 4, 8, 8,
  ]);
  expect(portOf({ role: "noise" }, "z float16 [N, 16]").dims).toEqual([1, 16]);
  expect(portOf({ role: "noise", frame: {} }, "z float32 [1, 3, H, W]").dims).toEqual([
    1,
    3,
    null,
    null,
  ]);
});

test("noise alone runs on changes of the seed, and on the frame it runs with every frame", () => {
  const alone = withInput({ role: "noise" }, "z float32 [1, 4]");
  expect(alone.params).toMatchObject([{ name: "seed" }]);
  const port = portOf({ role: "noise", frame: {} }, "z float32 [1, 3, H, W]");
  expect([noise.isLive?.(port, true), noise.isLive?.(port, false)]).toEqual([true, false]);
  expect(noise.video?.(port)).toMatchObject({ use: "optional" });
});

test("wrong tensors, and scales that are no input, are refused", () => {
  expect(inputProblems({ role: "noise" }, "z int64 [1, 4]")).toEqual([
    'has role "noise", which needs floats, but the tensor is "z" int64 [1, 4]',
  ]);
  expect(inputProblems({ role: "noise", scale: "sigma" }, "z float32 [1, 4]")).toEqual([
    'scale is "sigma", which is not an input of the file: frame, z',
  ]);
  expect(inputProblems({ role: "noise", scale: "frame" }, "z float32 [1, 4]")).toEqual([
    'scale names an input that does not hold one number: "frame" float32 [N, 3, H, W]',
  ]);
  expect(inputProblems({ role: "noise", shape: [1, 5] }, "z float32 [N, 4]")).toEqual([
    'shape is [1, 5], which the file does not allow: "z" float32 [N, 4]',
  ]);
  expect(
    inputProblems({ role: "noise", frame: { channels: "gray" } }, "z float32 [1, 3, H, W]"),
  ).toEqual([expect.stringContaining('channels is "gray" but the tensor has 3 channels')]);
});

test("a seed gives the numbers of torch, drawn once for a lane", () => {
  const port = portOf({ role: "noise" }, "z float32 [1, 8]");
  const lane: Lane = new Map();
  const fed = (seed: number) => noise.feed?.(port, item(seed), lane)["z"];
  const first = fed(7);
  expect(first).toEqual({ dtype: "float32", dims: [1, 8], data: new TorchGenerator(7).randn(8) });
  expect(fed(7)).toBe(first as NonNullable<typeof first>);
  expect(fed(8)?.data).not.toEqual(first?.data as Float32Array);
});

test("noise on a frame has the frame's size, and the size to draw where there is none", () => {
  const port = portOf({ role: "noise", frame: {} }, "z float32 [1, 3, H, W]");
  const frame = { width: 2, height: 5, data: new Uint8Array(30) };
  const dims = (picture: RunItem["picture"]) =>
    noise.feed?.(port, { ...item(1), picture }, new Map())["z"]?.dims;
  expect([dims(frame), dims(null)]).toEqual([
    [1, 3, 5, 2],
    [1, 3, 4, 6],
  ]);
});
