import { expect, test } from "bun:test";
import { RunDurations } from "../../../../src/engine/device/run-durations.ts";

const runner = {};

test("a run is expected to take as long as the last one with as many items, for each runner by itself", () => {
  const durations = new RunDurations();
  expect(durations.expected(runner, 1)).toBeUndefined();
  durations.learn(runner, 1, 10);
  durations.learn(runner, 2, 12);
  durations.learn(runner, 2, 11);
  durations.learn({}, 2, 500);
  expect([1, 2].map((items) => durations.expected(runner, items))).toEqual([10, 11]);
});

test("a size that never ran is expected to take no less than it can", () => {
  const durations = new RunDurations();
  durations.learn(runner, 2, 12);
  durations.learn(runner, 4, 20);
  expect(durations.expected(runner, 1)).toBe(12);
  expect(durations.expected(runner, 3)).toBe(20);
  expect(durations.expected(runner, 8)).toBe(40);
});

test("what is expected grows by a quarter from run to run at most, and shrinks at once", () => {
  const durations = new RunDurations();
  for (const ms of [8, 100, 100]) durations.learn(runner, 1, ms);
  expect(durations.expected(runner, 1)).toBe(12.5);
  durations.learn(runner, 1, 3);
  expect(durations.expected(runner, 1)).toBe(3);
});
