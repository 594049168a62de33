import { expect, test } from "bun:test";
import {
  type ResizeMethod,
  resize,
  resizeCropped,
} from "../../../../../src/engine/graph/run/resize.ts";

const ramp = { values: Float32Array.of(0, 1, 2, 3), shape: [1, 1, 1, 4] as const };

test.each([
  ["nearest-exact", [1, 3]],
  ["bilinear", [0.5, 2.5]],
  ["area", [0.5, 2.5]],
] as const)("%s halves a ramp", (method: ResizeMethod, expected) => {
  expect([...resize(ramp, { width: 2, height: 1 }, method).values]).toEqual([...expected]);
});

test.each(["nearest-exact", "bilinear", "area", "bicubic", "bislerp"] as const)(
  "%s to the same size changes nothing",
  (method) => {
    const values = Float32Array.from({ length: 24 }, (_, at) => Math.sin(at));
    const planes = { values, shape: [1, 2, 3, 4] as const };
    const resized = resize(planes, { width: 4, height: 3 }, method);
    for (const [at, value] of resized.values.entries())
      expect(value).toBeCloseTo(values[at] ?? 0, 6);
  },
);

test("the centre is cut before a resize to another shape", () => {
  const wide = { values: Float32Array.of(0, 1, 2, 3, 4, 5), shape: [1, 1, 1, 6] as const };
  const size = { width: 2, height: 1 };
  expect([...resizeCropped(wide, size, "nearest-exact", "disabled").values]).toEqual([1, 4]);
  expect([...resizeCropped(wide, size, "nearest-exact", "center").values]).toEqual([2, 3]);
});

test("a cut that would leave nothing leaves the middle", () => {
  // Python rounds the (4 − 1)/2 places of each side to 2.
  const { values } = resizeCropped(ramp, { width: 2, height: 2 }, "bilinear", "center");
  expect([...values]).toEqual([1, 2, 1, 2]);
});
