import { expect, test } from "bun:test";
import { LEAD_MS } from "../../../../src/engine/device/job.ts";
import { RunPace } from "../../../../src/engine/plan/run-pace.ts";

/** After a conversion of 2 ms, so long before a run may end. */
const EARLY_MS = 2 + LEAD_MS + 2;

/** Runs of these durations, each after a conversion of 2 ms. */
function paceOf(...runsMs: readonly number[]): RunPace {
  const pace = new RunPace();
  for (const ms of runsMs) pace.ended({ begunAt: 1000, convertMs: 2 }, 1000 + ms);
  return pace;
}

test("the next frame is taken at once before any run has ended", () => {
  expect(paceOf().untilNextMs).toBe(0);
});

test("the next frame is taken early enough for the shortest of the last runs", () => {
  expect(paceOf(40).untilNextMs).toBe(40 - EARLY_MS);
  expect(paceOf(40, 30, 50).untilNextMs).toBe(30 - EARLY_MS);
});

test("one short run is forgotten after eight others", () => {
  const others = Array.from({ length: 8 }, () => 40);
  expect(paceOf(20, ...others.slice(1)).untilNextMs).toBe(20 - EARLY_MS);
  expect(paceOf(20, ...others).untilNextMs).toBe(40 - EARLY_MS);
});

test("the next frame is taken early enough for the longest of the last conversions", () => {
  const pace = paceOf(40);
  pace.ended({ begunAt: 0, convertMs: 12 }, 40);
  pace.ended({ begunAt: 0, convertMs: 1 }, 40);
  expect(pace.untilNextMs).toBe(30 - EARLY_MS);
});

test("a run that takes less time than a conversion leaves none to wait", () => {
  expect(paceOf(1).untilNextMs).toBe(0);
});

test("a frame that no model ran for says nothing about the runs", () => {
  const pace = paceOf(40);
  pace.ended({ begunAt: null, convertMs: 0 }, 0);
  expect(pace.untilNextMs).toBe(40 - EARLY_MS);
});
