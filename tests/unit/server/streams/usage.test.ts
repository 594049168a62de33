/** The usage of streams: what is counted, and that each stream that has run leaves one record. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { WorkReport } from "../../../../src/engine/protocol/messages.ts";
import type { StreamStats } from "../../../../src/engine/protocol/stats.ts";
import { logId } from "../../../../src/log.ts";
import { Admission } from "../../../../src/server/admission.ts";
import { byocProtocol } from "../../../../src/server/protocols/byoc/byoc-protocol.ts";
import { seedProtocol } from "../../../../src/server/protocols/seed/seed-protocol.ts";
import { CLOCK_DEFAULTS } from "../../../../src/server/streams/params.ts";
import { StreamStore } from "../../../../src/server/streams/store.ts";
import type { StreamOrigin } from "../../../../src/server/streams/stream.ts";

const params = CLOCK_DEFAULTS;
const origin = (id: string, changes: Partial<StreamOrigin> = {}): StreamOrigin => ({
  id,
  protocol: seedProtocol,
  capability: null,
  params,
  defaults: params,
  channels: { stream_url: "http://127.0.0.1/x", input_url: null },
  spec: { container: "fmp4", segment_seconds: 1, audio: "auto" },
  ...changes,
});

/** A store whose engine does what it is asked at once; `records` are the lines of its usage log. */
function storeWithLog(answer: WorkReport["type"] | null = "started") {
  const records: Record<string, unknown>[] = [];
  const store = new StreamStore(
    {
      start: (work) => {
        if (answer === "started") work.receive({ type: "started", id: work.id });
        if (answer === "ended") work.receive({ type: "ended", id: work.id, error: REFUSED });
      },
      update() {},
      stop: (work) => work.receive({ type: "ended", id: work.id }),
    },
    {
      admission: new Admission(8),
      historyMs: 60_000,
      usageLog: { append: (record) => void records.push({ ...record }) },
    },
  );
  return { store, records };
}

const REFUSED = { kind: "channel_refused", message: "stream_url: answered 404" } as const;

const counted = (id: string, frames: number): WorkReport => {
  const stats: StreamStats = {
    fps_in: 30,
    fps_out: 30,
    audio_fps_in: 0,
    audio_fps_out: 0,
    frames_in: frames + 3,
    frames_out: frames,
    frames_dropped: 1,
    frames_processed: frames - 2,
    frames_fallback: 2,
    errors: 2,
    consecutive_errors: 0,
    megapixels_out: frames / 4,
    segments_out: 2,
    segments_skipped: 0,
    bytes_in: 50,
    bytes_out: 100,
    latency_ms: { p50: null, p95: null, p99: null },
    latency_counts: [0, frames],
    inference_ms: { p50: null, p95: null, p99: null },
    model: "edges",
    device: "cpu",
    execution_provider: "cpu",
  };
  return { type: "stats", id, stats };
};

test("every end of a stream that has run gives one record, with the reason", async () => {
  const { store, records } = storeWithLog();
  for (const id of ["deleted", "failed", "input", "closed", "lost"]) await store.start(origin(id));
  const byoc = { protocol: byocProtocol() };
  store.accept(origin("twice", byoc));
  const second = store.accept(origin("twice", { ...byoc, capability: "comfystream-video" }));
  store.stop("deleted");
  store.stop("deleted");
  store.get("failed").receive({ type: "ended", id: "failed", error: REFUSED });
  store.get("input").receive({ type: "ended", id: "input" });
  store.get("lost").lost({ kind: "engine_unavailable", message: "no engine can run here" });
  store.end(second, "idle");
  await store.close();
  await store.close();
  const shown = records.map(({ protocol, capability, status, reason, error }) => [
    ...[protocol, capability, status, reason, error],
  ]);
  expect(shown.sort()).toEqual(
    [
      ["seed", null, "stopped", "deleted", null],
      ["seed", null, "error", "stream_url: answered 404", "channel_refused"],
      ["seed", null, "stopped", "input ended", null],
      ["seed", null, "stopped", "server stopping", null],
      ["seed", null, "error", "no engine can run here", "engine_unavailable"],
      ["byoc", null, "stopped", "replaced", null],
      ["byoc", "comfystream-video", "stopped", "idle", null],
    ].sort(),
  );
});

test("a start that is refused gives no record, one that was accepted and then fails gives one", async () => {
  const { store, records } = storeWithLog("ended");
  await expect(store.start(origin("a"))).rejects.toThrow("answered 404");
  expect(store.list("all")).toEqual([]);
  await store.accept(origin("b", { protocol: byocProtocol() })).released;
  expect(records).toHaveLength(1);
  expect(records[0]).toMatchObject({ protocol: "byoc", status: "error", frames_out: 0 });
});

test("a record names its stream as the log does, never by its id", async () => {
  const { store, records } = storeWithLog();
  await store.accept(origin("a-secret-id", { protocol: byocProtocol() }));
  await store.stop("a-secret-id", "stopped by orchestrator")?.released;
  expect(records[0]).toMatchObject({ stream: logId("a-secret-id"), width: 512, height: 512 });
  expect(JSON.stringify(records)).not.toContain("a-secret-id");
});

test("the operators' page shows a record with all its members", async () => {
  const { store, records } = storeWithLog();
  await store.start(origin("a"));
  await store.stop("a")?.released;
  const page = await Bun.file(join(import.meta.dir, "../../../../docs/operators.md")).text();
  const [, example = ""] = /## Bill it[\s\S]*?```json\n([\s\S]*?)```/.exec(page) ?? [];
  expect(Object.keys(JSON.parse(example))).toEqual(Object.keys(records[0] ?? {}));
});

test("usage adds up over the engines that ran a stream", async () => {
  const { store } = storeWithLog();
  const stream = await store.start(origin("a"));
  stream.receive(counted("a", 90));
  stream.interrupted("SIGSEGV");
  stream.receive({ type: "started", id: "a" });
  stream.receive(counted("a", 10));
  stream.receive(counted("a", 30));
  await store.stop("a")?.released;
  expect(store.get("a").toJSON().usage).toMatchObject({
    frames_in: 126,
    frames_processed: 116,
    frames_fallback: 4,
    frames_out: 120,
    frames_dropped: 2,
    errors: 4,
    restarts: 1,
    bytes_in: 100,
    bytes_out: 200,
    megapixels: 30,
    fallback_events: ["starting", "engine_lost"].map((reason) => ({
      reason,
      at: expect.stringMatching(/^20.*Z$/),
    })),
    latency_s: { p50: 0.001, p95: 0.001, p99: 0.001 },
  });
});

test("the time active and the time paused are the duration, through pauses and engine deaths", async () => {
  const { store } = storeWithLog();
  const begun = performance.now();
  const stream = await store.start(origin("a"));
  const shows = (output: "live" | "paused") => stream.receive({ type: "showing", id: "a", output });
  shows("live");
  const pass = (ms: number) => Bun.sleep(ms); // the passing of time is what is measured
  await pass(40);
  const paused = performance.now();
  store.update(stream, { ...params, paused: true });
  shows("paused");
  await pass(60);
  stream.interrupted("SIGSEGV");
  await pass(20);
  stream.receive({ type: "started", id: "a" });
  const pausedMs = performance.now() - paused;
  store.update(stream, params);
  shows("live");
  await pass(30);
  await store.stop("a")?.released;
  const ms = performance.now() - begun;
  const { usage } = stream;
  expect(usage.active_s + usage.paused_s).toBeCloseTo(usage.duration_s, 6);
  expect(Math.abs(usage.duration_s - ms / 1000)).toBeLessThan(0.05);
  expect(Math.abs(usage.paused_s - pausedMs / 1000)).toBeLessThan(0.05);
  expect(usage.fallback_s).toBeLessThan(0.05); // it was paused when its engine died
  expect(usage.ended_at).not.toBeNull();
  await pass(20);
  expect(stream.usage).toEqual(usage); // final
});

test("a stream that never became active was on fallback all the time", async () => {
  const { store, records } = storeWithLog(null);
  store.accept(origin("a", { protocol: byocProtocol() }));
  await Bun.sleep(20); // the passing of time is what is measured
  await store.stop("a")?.released;
  const { duration_s, active_s, fallback_s, paused_s } = store.get("a").usage;
  expect(duration_s).toBeGreaterThan(0.015);
  expect([active_s, fallback_s, paused_s]).toEqual([duration_s, duration_s, 0]);
  expect(records).toHaveLength(1);
});
