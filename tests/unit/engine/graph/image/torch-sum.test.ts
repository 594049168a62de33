import { expect, test } from "bun:test";
import { torchSum } from "../../../../../src/engine/graph/image/torch-sum.ts";

test("numbers that float32 adds exactly give their sum, whatever their count", () => {
  for (const count of [0, 1, 7, 8, 31, 32, 33, 255, 961, 3969]) {
    const values = Array.from({ length: count }, (_, at) => (at % 11) - 3);
    expect(torchSum(values)).toBe(values.reduce((sum, value) => sum + value, 0));
  }
});

test("many small numbers are not lost beside a large one", () => {
  const [one, small] = [1, 2 ** -25];
  const values = [one, ...new Array<number>(4095).fill(small)];
  const oneByOne = values.reduce((sum, value) => Math.fround(sum + value), 0);
  expect(oneByOne).toBe(1);
  expect(torchSum(values)).toBeCloseTo(1 + 4095 * small, 5);
});

test("numbers beyond the last whole vector are added first", () => {
  const tiny = 2 ** -24;
  // The lanes, one after another, would lose each tiny number beside the 1.
  expect(torchSum([1, 0, 0, 0, 0, 0, 0, 0, tiny, tiny])).toBe(1 + 2 * tiny);
  expect(torchSum([1, tiny, tiny, 0, 0, 0, 0, 0])).toBe(1);
});
