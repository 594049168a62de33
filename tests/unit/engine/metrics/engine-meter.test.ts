import { expect, test } from "bun:test";
import { EngineMeter } from "../../../../src/engine/metrics/engine-meter.ts";
import { DURATION_BOUNDS_MS } from "../../../../src/engine/protocol/metrics.ts";
import { AnswerCounts } from "../../../../src/trickle/client/answer-counts.ts";

const memory = { resident_bytes: 5, model_bytes: 3 };

test("a report holds what happened since the one before, and nothing twice", () => {
  const meter = new EngineMeter();
  const answers = new AnswerCounts();
  meter.framesIn = 3;
  meter.frameDropped("late");
  meter.frameDropped("late");
  meter.stageTook("encode", 4);
  meter.inferred("edges", 12);
  meter.latency.record(30);
  answers.record("publish", 200);
  answers.record("subscribe", 470);
  answers.record("subscribe", 404);
  answers.record("subscribe", null);
  const report = meter.take(answers, memory);
  expect(report).toMatchObject({
    frames_in: 3,
    frames_dropped: { late: 2 },
    latency: { sum_ms: 30 },
    ...memory,
  });
  expect(Object.keys(report.stages)).toEqual(["inference", "encode"]);
  expect(report.inference["edges"]?.sum_ms).toBe(12);
  expect(report.trickle).toEqual([
    { direction: "publish", status: "2xx", count: 1 },
    { direction: "subscribe", status: "470", count: 1 },
    { direction: "subscribe", status: "4xx", count: 1 },
    { direction: "subscribe", status: "error", count: 1 },
  ]);
  expect(meter.take(answers, memory)).toEqual({
    frames_in: 0,
    frames_out: 0,
    frames_skipped: 0,
    segments_out: 0,
    bytes_out: 0,
    frames_dropped: {},
    stages: {},
    waits: {},
    inference: {},
    loads: [],
    trickle: [],
    ...memory,
  });
});

test("a duration is counted in the bucket of the first bound that it does not exceed", () => {
  const meter = new EngineMeter();
  for (const ms of [0.5, 1, 1.01, 200_000]) meter.waited("device", ms);
  const { counts = [] } = meter.take(new AnswerCounts(), memory).waits["device"] ?? {};
  expect(counts.length).toBe(DURATION_BOUNDS_MS.length + 1);
  expect([counts[0], counts[1], counts.at(-1)]).toEqual([2, 1, 1]);
});

test("the load of a model is reported with its outcome and its time", () => {
  const meter = new EngineMeter();
  meter.modelLoaded({ model: "edges", outcome: "failed", ms: 700 });
  const { loads } = meter.take(new AnswerCounts(), memory);
  expect(loads).toMatchObject([{ model: "edges", outcome: "failed", durations: { sum_ms: 700 } }]);
});
