import { expect, test } from "bun:test";
import { kernelFor, nearestSamples } from "../../../../../src/engine/graph/image/resample-taps.ts";

test("a place between two samples falls as in the kernel of torch that computes it", () => {
  // torch 2.15: interpolate(mode="nearest-exact") of 2 rows to 55, where row 27 lies on the border.
  expect(nearestSamples(2, 55, "general").indexOf(1)).toBe(27);
  expect(nearestSamples(2, 55, "vectorized").indexOf(1)).toBe(28);
});

test("torch's general kernel computes large pictures of three channels, and all other large planes", () => {
  expect(kernelFor({ width: 192, height: 55 }, false)).toBe("general");
  expect(kernelFor({ width: 192, height: 55 }, true)).toBe("vectorized");
  expect(kernelFor({ width: 64, height: 64 }, false)).toBe("vectorized");
});
