import { expect, test } from "bun:test";
import { Distribution, StreamCounters } from "../../../src/engine/stream-stats.ts";

const distribution = (values: readonly number[]): Distribution => {
  const made = new Distribution();
  for (const value of values) made.add(value);
  return made;
};

test("nothing measured has no percentiles", () => {
  expect(distribution([]).percentiles()).toEqual({ p50: null, p95: null, p99: null });
});

test("one value is every percentile, rounded to a tenth", () => {
  expect(distribution([12.345]).percentiles()).toEqual({ p50: 12.3, p95: 12.3, p99: 12.3 });
});

test("percentiles are those of the sorted values, whatever their order", () => {
  const values = Array.from({ length: 100 }, (_, index) => ((index * 37) % 100) + 1);
  expect(distribution(values).percentiles()).toEqual({ p50: 51, p95: 96, p99: 100 });
});

test("values older than the last 300 are forgotten", () => {
  const old = Array<number>(500).fill(1000);
  const fresh = Array<number>(300).fill(5);
  expect(distribution([...old, ...fresh]).percentiles()).toEqual({ p50: 5, p95: 5, p99: 5 });
});

test("a snapshot adds what others count, and dropped packets are dropped frames", () => {
  const counters = new StreamCounters();
  for (let index = 0; index < 10; index++) counters.frameIn();
  for (let index = 0; index < 4; index++) counters.frameOut(20);
  counters.framesDropped = 3;
  counters.inference.add(7);
  const stats = counters.snapshot({
    segments_out: 2,
    segments_skipped: 0,
    bytes_out: 999,
    model: "edges",
    device: "cpu",
    packetsDropped: 2,
  });
  expect(stats).toMatchObject({
    frames_in: 10,
    frames_out: 4,
    frames_dropped: 5,
    fps_in: 5,
    fps_out: 2,
    latency_ms: { p50: 20 },
    inference_ms: { p50: 7 },
    execution_provider: null,
    bytes_out: 999,
  });
  expect(stats).not.toHaveProperty("packetsDropped");
});
