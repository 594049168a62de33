import { expect, test } from "bun:test";
import { EngineMeter } from "../../../../src/engine/metrics/engine-meter.ts";
import { ServerMetrics } from "../../../../src/server/metrics/server-metrics.ts";
import { AnswerCounts } from "../../../../src/trickle/client/answer-counts.ts";

const memory = { resident_bytes: 0, model_bytes: 0 };

/** An engine that has sent as many frames, each after `ms`, and reports it. */
function engineWith(frames: number, ms: number) {
  const meter = new EngineMeter();
  meter.framesOut = frames;
  for (let frame = 0; frame < frames; frame++) meter.latency.record(ms);
  return meter.take(new AnswerCounts(), memory);
}

/** The values of one metric by their labels as they are written. */
async function valuesOf(metrics: ServerMetrics, name: string): Promise<Record<string, number>> {
  const lines = (await metrics.text()).split("\n").filter((line) => line.startsWith(name));
  return Object.fromEntries(
    lines.map((line) => {
      const [, labels = "", value = ""] = /^[a-z_]+(\{.*\})? (.+)$/.exec(line) ?? [];
      return [labels, Number(value)];
    }),
  );
}

test("totals go on where a dead engine left them", async () => {
  const metrics = new ServerMetrics("1.2.3");
  metrics.engineObserver.measured("cpu", engineWith(10, 15));
  metrics.engineObserver.died("cpu", "crashed");
  metrics.engineObserver.measured("cpu", engineWith(2, 15));
  expect(await valuesOf(metrics, "comfystream_frames_published_total")).toEqual({
    '{device="cpu"}': 12,
  });
  expect(await valuesOf(metrics, "comfystream_engine_deaths_total")).toEqual({
    '{device="cpu",cause="crashed"}': 1,
    '{device="cpu",cause="hung"}': 0,
    '{device="cpu",cause="killed"}': 0,
  });
});

test("buckets are cumulative, in seconds, and end with all values", async () => {
  const metrics = new ServerMetrics("1.2.3");
  metrics.engineObserver.measured("cpu", engineWith(3, 15));
  metrics.engineObserver.measured("cpu", engineWith(1, 90));
  const buckets = await valuesOf(metrics, "comfystream_frame_latency_seconds_bucket");
  const at = (le: string) => buckets[`{device="cpu",le="${le}"}`];
  expect([at("0.01"), at("0.02"), at("0.075"), at("0.1"), at("+Inf")]).toEqual([0, 3, 3, 4, 4]);
  expect(await valuesOf(metrics, "comfystream_frame_latency_seconds_count")).toEqual({
    '{device="cpu"}': 4,
  });
  const sum = await valuesOf(metrics, "comfystream_frame_latency_seconds_sum");
  expect(sum['{device="cpu"}']).toBeCloseTo(0.135, 6);
});

test("series of what has not happened yet are there with zeros", async () => {
  const metrics = new ServerMetrics("1.2.3");
  metrics.engineObserver.measured("cuda:0", engineWith(0, 0));
  const dropped = await valuesOf(metrics, "comfystream_frames_dropped_total");
  expect(dropped['{device="cuda:0",cause="undelivered"}']).toBe(0);
  const stages = await valuesOf(metrics, "comfystream_stage_duration_seconds_count");
  expect(stages['{device="cuda:0",stage="publish"}']).toBe(0);
});

test("a picture is timed by its outcome", async () => {
  const metrics = new ServerMetrics("1.2.3");
  metrics.engineObserver.imageEnded("made", 250);
  metrics.engineObserver.imageEnded("given_up", 25_000);
  expect(await valuesOf(metrics, "comfystream_image_duration_seconds_sum")).toEqual({
    '{outcome="made"}': 0.25,
    '{outcome="failed"}': 0,
    '{outcome="given_up"}': 25,
  });
});

test("callers cannot make labels of their own", async () => {
  const metrics = new ServerMetrics("1.2.3");
  metrics.answered("GET", "/stream/:id/status", 200);
  metrics.answered("BREW", undefined, 404);
  metrics.answered("STEAL", undefined, 404);
  expect(await valuesOf(metrics, "comfystream_http_requests_total")).toEqual({
    '{method="GET",route="/stream/:id/status",status="200"}': 1,
    '{method="other",route="none",status="404"}': 2,
  });
});
