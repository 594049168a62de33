import { expect, test } from "bun:test";
import { messageCheck } from "../../../../src/engine/protocol/check-message.ts";
import { FromEngine, ToEngine, WorkReport } from "../../../../src/engine/protocol/messages.ts";
import { EngineCensus, StreamCounts } from "../../../../src/engine/protocol/stats.ts";

const fromEngine = messageCheck(FromEngine);
const report = messageCheck(WorkReport);
const toEngine = messageCheck(ToEngine);

test("a message that matches its schema passes as it is", () => {
  const message = { type: "ended", id: "a", error: { kind: "internal", message: "x" } };
  expect(report(message)).toEqual(message as ReturnType<typeof report>);
  const wrapped = { type: "report", number: 1, report: message };
  expect(fromEngine(wrapped)).toEqual(wrapped as ReturnType<typeof fromEngine>);
  expect(toEngine({ type: "ping" })).toEqual({ type: "ping" });
});

test.each<[string, unknown, string]>([
  ["no object", 5, "unknown message type undefined"],
  ["null", null, "unknown message type undefined"],
  ["an unknown type", { type: "explode" }, 'unknown message type "explode"'],
  ["a member of another type", { type: "ended", id: 5 }, "/id"],
  ["a missing member", { type: "step", id: "a" }, "/step"],
  [
    "an unknown kind of error",
    { type: "ended", id: "a", error: { kind: "x", message: "" } },
    "/error/kind",
  ],
  ["a number that is none", { type: "size", id: "a", width: Number.NaN, height: 1 }, "/width"],
])("%s is refused with what is wrong", (_title, message, wrong) => {
  expect(() => report(message)).toThrow(wrong);
  expect(() => fromEngine({ type: "report", number: 1, report: message })).toThrow("/report");
});

test("each direction has messages of its own", () => {
  expect(() => toEngine({ type: "hello" })).toThrow("unknown message type");
  expect(() => fromEngine({ type: "ping" })).toThrow("unknown message type");
});

test.each(Object.keys(StreamCounts.properties))("a stream's %s is no less than 0", (name) => {
  const counts = Object.fromEntries(Object.keys(StreamCounts.properties).map((one) => [one, 0]));
  const percentiles = { p50: null, p95: null, p99: null };
  const statsWith = (count: number) => ({
    ...counts,
    [name]: count,
    consecutive_errors: 0,
    fps_in: 0,
    fps_out: 0,
    audio_fps_in: 0,
    audio_fps_out: 0,
    latency_ms: percentiles,
    inference_ms: percentiles,
    latency_counts: [],
    model: "",
    device: "",
    execution_provider: null,
  });
  const reported = (count: number) => report({ type: "stats", id: "a", stats: statsWith(count) });
  expect(reported(1)).toMatchObject({ stats: { [name]: 1 } });
  for (const wrong of [-1, -1e148, Number.POSITIVE_INFINITY])
    expect(() => reported(wrong)).toThrow(`/stats/${name}`);
});

test.each(Object.keys(EngineCensus.properties))(
  "an engine's live %s are no less than 0",
  (name) => {
    const live = { streams: 0, frames: 0, requests: 0, [name]: -1 };
    expect(() => fromEngine({ type: "pong", live })).toThrow(`/live/${name}`);
  },
);
