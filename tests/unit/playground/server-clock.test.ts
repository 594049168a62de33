/** Tests the estimate of the server's clock. */
import { expect, test } from "bun:test";
import { betterClock, clockEstimate } from "../../../src/playground/server-clock.ts";

test("a clock that is ahead is found by halving the time of the answer", () => {
  expect(clockEstimate({ sent: 1000, answered: 1040, server: 6020 })).toEqual({
    ahead: 5000,
    error: 21,
  });
  expect(clockEstimate({ sent: 1000, answered: 1010, server: 505 }).ahead).toBe(-500);
});

test("clocks that may agree count as one", () => {
  expect(clockEstimate({ sent: 1000, answered: 1040, server: 1002 }).ahead).toBe(0);
});

test("the quickest answer is believed, and the newest among equals", () => {
  const quick = { ahead: 3, error: 2 };
  const slow = { ahead: 90, error: 80 };
  expect(betterClock(null, slow)).toBe(slow);
  expect(betterClock(slow, quick)).toBe(quick);
  expect(betterClock(quick, slow)).toBe(quick);
  expect(betterClock({ ahead: 4, error: 2 }, quick)).toBe(quick);
});
