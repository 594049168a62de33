import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { RunWatch } from "../../../../src/engine/device/run-watch.ts";

let watch: RunWatch;
let hangs = 0;
beforeEach(() => {
  jest.useFakeTimers();
  hangs = 0;
  watch = new RunWatch(() => hangs++);
});
afterEach(() => {
  jest.useRealTimers();
});

test("a run that does not end in its time is noticed, and one that ends is not", () => {
  const run = watch.begin(100);
  jest.advanceTimersByTime(99);
  expect(hangs).toBe(0);
  run[Symbol.dispose]();
  jest.advanceTimersByTime(1000);
  expect(hangs).toBe(0);
  watch.begin(100);
  jest.advanceTimersByTime(101);
  expect(hangs).toBe(1);
});

test("a short run beside a long one has the time of both", () => {
  const long = watch.begin(1000);
  const short = watch.begin(10);
  jest.advanceTimersByTime(500);
  expect(watch.leftMs).toBe(500);
  long[Symbol.dispose]();
  expect(watch.leftMs).toBe(10); // it may have waited until now
  jest.advanceTimersByTime(9);
  short[Symbol.dispose]();
  jest.advanceTimersByTime(2000);
  expect(hangs).toBe(0);
});

test("a long run beside a short one that has ended keeps its own time", () => {
  watch.begin(1000);
  jest.advanceTimersByTime(10);
  watch.begin(5)[Symbol.dispose]();
  expect(watch.leftMs).toBe(1000);
  expect(hangs).toBe(0);
});
