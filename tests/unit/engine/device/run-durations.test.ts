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

test("one run saves what does not depend on its items: nothing where batches do not pay", () => {
  const durations = new RunDurations();
  for (const items of [1, 2, 8]) durations.learn(runner, items, 30 + 2 * items);
  expect(durations.savedMs(runner)).toBeCloseTo(30);
  const linear = {};
  for (const items of [1, 4]) durations.learn(linear, items, 10 * items);
  expect(durations.savedMs(linear)).toBeCloseTo(0);
  const worse = {};
  for (const items of [1, 4]) durations.learn(worse, items, 12 * items * items);
  expect(durations.savedMs(worse)).toBe(0);
});

test("a batch is worth a try while only one size has run, and before that nothing is known", () => {
  const durations = new RunDurations();
  expect(durations.savedMs(runner)).toBe(0);
  durations.learn(runner, 1, 20);
  expect(durations.savedMs(runner)).toBe(20);
});

test("a single slow run changes little in what batches are known to save", () => {
  const durations = new RunDurations();
  for (let run = 0; run < 10; run++) {
    durations.learn(runner, 1, 32);
    durations.learn(runner, 4, 38);
  }
  durations.learn(runner, 4, 1000);
  expect(durations.savedMs(runner)).toBeWithin(25, 31);
});
