import { expect, test } from "bun:test";
import { goDuration } from "../../../../../../src/server/protocols/live-runner/registration/duration.ts";

test.each([
  ["5s", 5000],
  ["1m0s", 60_000],
  ["500ms", 500],
  ["1.5s", 1500],
  ["1h2m3.5s", 3_723_500],
  [".5s", 500],
  ["250µs", 0.25],
  ["100ns", 0.0001],
])("Go's duration %s is %d ms", (text, ms) => {
  expect(goDuration(text)).toBeCloseTo(ms, 6);
});

test.each(["", "5", "s", "0s", "-5s", "5 s", "5s!", "1d", "5s5"])(
  "%j is not a positive duration",
  (text) => {
    expect(goDuration(text)).toBeNull();
  },
);
