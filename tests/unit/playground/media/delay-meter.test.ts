/** Tests how the ages of single pictures become one figure. */
import { expect, test } from "bun:test";
import { DelayMeter } from "../../../../src/playground/media/delay-meter.ts";

test("the delay is the median of the last second", () => {
  const meter = new DelayMeter();
  expect(meter.median(0)).toBeNull();
  for (const [at, age] of [
    [0, 900],
    [600, 250],
    [700, 230],
    [800, 1200],
  ] as const)
    meter.add({ at, age });
  expect(meter.median(1100)).toBe(250);
});

test("pictures without a marker for a second leave no delay", () => {
  const meter = new DelayMeter();
  meter.add({ at: 100, age: 200 });
  expect(meter.median(1099)).toBe(200);
  expect(meter.median(1100)).toBeNull();
});
