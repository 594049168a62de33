import { expect, test } from "bun:test";
import {
  addLatencyCounts,
  LatencyCounter,
  latencyQuantile,
} from "../../../../src/engine/protocol/latency-counts.ts";

const countsOf = (latencies: readonly number[]) => {
  const counter = new LatencyCounter();
  for (const ms of latencies) counter.record(ms);
  return counter.counts;
};

/** Values as latencies are spread: most of them short, a few very long. */
const spread = Array.from({ length: 20_000 }, (_, n) => 4 * 1.0005 ** ((n * 7919) % 20_000));

const exact = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;

test("percentiles of a whole life are within 5 % of the true ones", () => {
  for (const share of [0.5, 0.95, 0.99]) {
    const estimate = latencyQuantile(countsOf(spread), share) ?? Number.NaN;
    expect(Math.abs(estimate / exact(spread, share) - 1)).toBeLessThan(0.05);
  }
});

test("counts of several engines give the percentiles of all their frames", () => {
  const parts = [spread.slice(0, 3000), spread.slice(3000)].map(countsOf);
  expect(parts.reduce(addLatencyCounts, [])).toEqual(countsOf(spread));
});

test("latencies beyond all bounds are counted, and nothing gives no percentile", () => {
  expect(latencyQuantile([], 0.5)).toBeNull();
  expect(latencyQuantile(countsOf([0]), 0.5)).toBeLessThanOrEqual(1);
  expect(latencyQuantile(countsOf([10 ** 9]), 0.5)).toBeGreaterThan(120_000);
});

test("ten hours of frames take no more than a message of 1 kB", () => {
  const counter = new LatencyCounter();
  for (let n = 0; n < 1_000_000; n++) counter.record(5 + ((n * 7919) % 1000));
  expect(JSON.stringify(counter.counts).length).toBeLessThan(1000);
});
