import { expect, test } from "bun:test";
import { RateSums } from "../../../../src/engine/plan/rate-sums.ts";

test("a rate that never changed gives rate times time, whenever the counting began", () => {
  const sums = new RateSums();
  expect(sums.total("turn", 2, 100)).toBe(200);
  expect(sums.total("turn", 2, 101.5)).toBe(203);
  expect(new RateSums().total("turn", 2, 101.5)).toBe(203);
});

test("a rate that changes goes on from where it was", () => {
  const sums = new RateSums();
  sums.total("turn", 1, 100);
  expect(sums.total("turn", 5, 100.5)).toBe(102.5);
  expect(sums.total("turn", 0, 101)).toBe(102.5);
  expect(sums.total("turn", 0, 500)).toBe(102.5);
});

test("rates of different keys are counted apart", () => {
  const sums = new RateSums();
  for (const key of ["a turn", "b turn"]) sums.total(key, 1, 10);
  expect(sums.total("a turn", 3, 11)).toBe(13);
  expect(sums.total("b turn", 3, 11)).toBe(13);
  expect(sums.total("b turn", 3, 12)).toBe(16);
});
