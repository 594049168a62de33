import { expect, setSystemTime, test } from "bun:test";
import type { WorkReport } from "../../../../src/engine/protocol/messages.ts";
import { Admission } from "../../../../src/server/admission.ts";
import { byocProtocol } from "../../../../src/server/protocols/byoc/byoc-protocol.ts";
import { seedProtocol } from "../../../../src/server/protocols/seed/seed-protocol.ts";
import { CLOCK_DEFAULTS } from "../../../../src/server/streams/params.ts";
import { type StreamHost, StreamStore } from "../../../../src/server/streams/store.ts";
import type { Stream, StreamOrigin } from "../../../../src/server/streams/stream.ts";
import { ahead } from "../../../support/ahead.ts";
import { waitFor } from "../../../support/wait-for.ts";

const params = CLOCK_DEFAULTS;
const origin = (id: string): StreamOrigin => ({
  id,
  protocol: seedProtocol,
  channels: { stream_url: "http://127.0.0.1/x", input_url: null },
  capability: null,
  spec: { container: "fmp4", segment_seconds: 1, audio: "auto" },
  params,
  defaults: params,
});

/** A host that carries out every call at once, and records it. */
function instantHost() {
  const told: string[] = [];
  const host: StreamHost = {
    start: (stream) => {
      told.push(`start ${stream.id}`);
      stream.receive({ type: "started", id: stream.id });
    },
    update: (stream) => void told.push(`update ${stream.id}`),
    stop: (stream) => {
      told.push(`stop ${stream.id}`);
      stream.receive({ type: "ended", id: stream.id });
    },
  };
  return { host, told };
}

const storeOf = (host: StreamHost, maxStreams = 2) =>
  new StreamStore(host, { admission: new Admission(maxStreams), historyMs: 1000 });

const stats = (frames: number): WorkReport => ({
  type: "stats",
  id: "a",
  stats: {
    fps_in: 30,
    fps_out: 29,
    audio_fps_in: 47,
    audio_fps_out: 50,
    frames_in: frames,
    frames_out: frames,
    frames_dropped: 1,
    frames_processed: frames - 1,
    frames_fallback: 1,
    errors: 1,
    consecutive_errors: 1,
    megapixels_out: 0.25,
    segments_out: 2,
    segments_skipped: 0,
    bytes_in: 200,
    bytes_out: 100,
    latency_ms: { p50: 1, p95: 2, p99: 3 },
    latency_counts: [],
    inference_ms: { p50: 1, p95: 2, p99: 3 },
    model: "edges",
    device: "cpu",
    execution_provider: "cpu",
  },
});

test("a stream beyond the limit is refused, and admitted when another has ended", async () => {
  const store = storeOf(instantHost().host);
  await store.start(origin("a"));
  await store.start(origin("b"));
  await expect(store.start(origin("c"))).rejects.toMatchObject({ kind: "at_capacity" });
  await store.stop("a")?.released;
  expect((await store.start(origin("c"))).status).toBe("active");
});

const sized = (id: string, side: number): StreamOrigin => ({
  ...origin(id),
  params: { ...params, size: { width: side, height: side } },
});

test("a large stream takes the places of several, and gives them back", async () => {
  const { host } = instantHost();
  const store = storeOf(host, 8);
  await store.start(sized("large", 4096));
  for (const id of ["a", "b", "c"]) await store.start(origin(id));
  const refused = await store.start(sized("b2", 2048)).catch((error) => error);
  expect(refused).toMatchObject({ kind: "at_capacity" });
  store.stop("large");
  await waitFor("its places", () => store.list("live").length === 3);
  await store.start(sized("b2", 2048));
});

test("an update to a size that does not fit changes nothing", async () => {
  const { host, told } = instantHost();
  const store = storeOf(host, 4);
  const stream = await store.start(origin("a"));
  for (const id of ["b", "c", "d"]) await store.start(origin(id));
  const larger = { ...params, size: { width: 4096, height: 4096 } };
  expect(() => store.update(stream, larger)).toThrow("takes 2 places");
  expect([stream.params, told.includes("update a")]).toEqual([params, false]);
  store.stop("d");
  await waitFor("the place", () => store.list("live").length === 3);
  store.update(stream, larger);
  expect(told).toContain("update a");
  expect(() => store.admit()).toThrow("all 4 places");
});

test("a stream of unknown size counts as one until its size is known", async () => {
  const { host } = instantHost();
  const store = storeOf(host, 4);
  const { size: _, fps: __, ...unsized } = params;
  const stream = await store.start({ ...origin("a"), params: unsized });
  await store.start(origin("b"));
  await store.start(origin("c"));
  store.admit();
  stream.receive({ type: "size", id: "a", width: 1920, height: 1080 });
  expect(() => store.admit()).toThrow("all 4 places");
});

test("a stream that starts twice replaces the first, also when all places are taken", async () => {
  const { host, told } = instantHost();
  const store = storeOf(host, 1);
  const first = await store.start(origin("a"));
  const second = await store.start(origin("a"));
  expect(told).toEqual(["start a", "stop a", "start a"]);
  expect([first.status, second.status]).toEqual(["stopped", "active"]);
  expect(store.get("a")).toBe(second);
});

test("a start by one protocol does not replace a live stream of another that has its id", async () => {
  const store = storeOf(instantHost().host);
  const stream = await store.start(origin("a"));
  expect(() => store.accept({ ...origin("a"), protocol: byocProtocol() })).toThrow(
    "gateway_request_id is the id of a stream that was not started this way",
  );
  expect([stream.status, store.liveCount]).toEqual(["active", 1]);
});

test("an engine gets new parameters, and is not sent the ones it has", async () => {
  const { host, told } = instantHost();
  const store = storeOf(host);
  const record = await store.start(origin("a"));
  store.update(record, { ...params });
  expect(told).toEqual(["start a"]);
  store.update(record, { ...params, paused: true });
  expect(told).toEqual(["start a", "update a"]);
});

test("a stream that waits for its predecessor starts when that has ended; stopped before, it never does", async () => {
  const { host, told } = instantHost();
  const slow: StreamHost = { ...host, stop: (stream) => void told.push(`stop ${stream.id}`) };
  const store = storeOf(slow);
  const network = { ...origin("a"), protocol: byocProtocol() };
  const first = store.accept(network);
  const second = store.accept(network);
  const third = store.accept(network);
  expect([first.status, second.status, third.status]).toEqual(["stopping", "stopped", "starting"]);
  expect(told).toEqual(["start a", "stop a"]);
  first.receive({ type: "ended", id: "a" });
  await third.started;
  expect(told).toEqual(["start a", "stop a", "start a"]);
  expect(store.get("a")).toBe(third);
});

test("a stream that the server ends with an error has failed with it, whatever the engine reports", async () => {
  const store = storeOf(instantHost().host);
  const record = await store.start(origin("a"));
  store.end(record, "stopped by orchestrator", {
    kind: "output_lost",
    message: "its events channel is gone",
  });
  await record.released;
  expect(record.toJSON()).toMatchObject({ status: "error", error: "its events channel is gone" });
});

test("a start that the engine refuses fails with its reason and leaves nothing", async () => {
  const host: StreamHost = {
    ...instantHost().host,
    start: (stream) => {
      const error = { kind: "channel_refused", message: "answered 404" } as const;
      stream.receive({ type: "ended", id: stream.id, error });
    },
  };
  const store = storeOf(host);
  await expect(store.start(origin("a"))).rejects.toThrow("answered 404");
  expect(store.list("all")).toEqual([]);
  expect(store.liveCount).toBe(0);
});

test("an ended stream stays readable for the time of the history, then is not found", async () => {
  const store = storeOf(instantHost().host);
  await store.start(origin("a"));
  await store.stop("a")?.released;
  expect(store.list("live")).toEqual([]);
  expect(store.get("a").status).toBe("stopped");
  setSystemTime(Date.now() + 3_600_000); // the wall clock does not count
  expect(store.get("a").status).toBe("stopped");
  setSystemTime();
  using _later = ahead(2000);
  expect(() => store.get("a")).toThrow("no stream has this id");
});

test("the age of a checkpoint does not depend on the wall clock", async () => {
  const stream = await storeOf(instantHost().host).start(origin("a"));
  const size = { width: 64, height: 64 };
  stream.receive({ type: "checkpoint", id: "a", checkpoint: { seq: 1, pts: 0, size } });
  setSystemTime(Date.now() + 3_600_000);
  using _later = ahead(1500);
  const order = stream.order();
  setSystemTime();
  const { age_ms = 0 } = (order.kind === "stream" && order.resume) || {};
  expect(age_ms).toBeWithin(1500, 60_000);
});

test("an ended stream lets go of its observer, its checkpoint and its long prompts", async () => {
  const store = storeOf(instantHost().host);
  const observers: WeakRef<object>[] = [];
  const observe = () => {
    const observer = { open() {}, handle() {}, close: () => Promise.resolve() };
    observers.push(new WeakRef(observer));
    return observer;
  };
  const prompts = Array.from({ length: 64 }, () => ({ prompt: "x".repeat(10_000) }));
  const stream = await store.start({ ...origin("a"), params: { ...params, prompts }, observe });
  const size = { width: 64, height: 64 };
  stream.receive({ type: "checkpoint", id: "a", checkpoint: { seq: 1, pts: 0, size } });
  expect(stream.order()).toMatchObject({ resume: { seq: 1 } });
  await store.stop("a")?.released;
  await waitFor("the observer to be collected", () => {
    Bun.gc(true);
    return observers[0]?.deref() === undefined;
  });
  expect(store.get("a")).toBe(stream);
  expect(stream.order()).not.toHaveProperty("resume");
  expect(stream.onSize).toBeNull();
  expect(JSON.stringify(stream.params).length).toBeLessThan(3000);
});

test("the most recent thousand ended streams are kept", async () => {
  const store = storeOf(instantHost().host);
  for (let n = 0; n < 1003; n++) {
    await store.start(origin(`s${n}`));
    await store.stop(`s${n}`)?.released;
  }
  expect(store.list("all")).toHaveLength(1000);
  expect(store.list("all")[0]?.id).toBe("s3");
});

test("a failure after the start turns the stream to error with the reason", async () => {
  const store = storeOf(instantHost().host);
  const record = await store.start(origin("a"));
  const error = { kind: "output_lost", message: "the channel is gone" } as const;
  record.receive({ type: "ended", id: "a", error });
  await record.released;
  expect(store.get("a").toJSON()).toMatchObject({ status: "error", error: "the channel is gone" });
  expect(store.liveCount).toBe(0);
});

test("a closed store has ended all streams and refuses new ones", async () => {
  const store = storeOf(instantHost().host);
  const record = await store.start(origin("a"));
  await store.close();
  expect(record.status).toBe("stopped");
  await expect(store.start(origin("b"))).rejects.toMatchObject({ kind: "at_capacity" });
});

test("a closing server ends an orchestrator's streams as failed, for their gateways to move on", async () => {
  const store = storeOf(instantHost().host);
  const seed = await store.start(origin("a"));
  const network = store.accept({ ...origin("b"), protocol: byocProtocol() });
  await store.close();
  expect([seed.status, network.status]).toEqual(["stopped", "error"]);
  expect(network.error?.message).toBe("the worker is shutting down");
});

test("streams that may drain end once the server has drained, all others at once", async () => {
  const store = storeOf(instantHost().host);
  const draining = { ...seedProtocol, atShutdown: "drain" as const };
  const [ends, drains] = [
    await store.start(origin("a")),
    await store.start({ ...origin("b"), protocol: draining }),
  ];
  const drained = Promise.withResolvers<void>();
  const closed = store.close(drained.promise);
  await ends.released;
  expect(drains.status).toBe("active");
  await expect(store.start(origin("c"))).rejects.toMatchObject({ kind: "at_capacity" });
  drained.resolve();
  await closed;
  expect(drains.status).toBe("stopped");
});

test("a stream takes the place that is held for it, and gives it back at its end", async () => {
  const admission = new Admission(1);
  const store = new StreamStore(instantHost().host, { admission, historyMs: 1000 });
  const place = admission.take();
  await expect(store.start(origin("a"))).rejects.toMatchObject({ kind: "at_capacity" });
  const stream = await store.start({ ...origin("a"), place });
  expect(admission.taken).toBe(1);
  store.stop("a");
  await stream.released;
  expect(admission.taken).toBe(0);
});

test("a stream that is too large for the place held for it is refused, and the place stays held", async () => {
  const admission = new Admission(4);
  const store = new StreamStore(instantHost().host, { admission, historyMs: 1000 });
  const places = [1, 2, 3, 4].map(() => admission.take());
  const large = { ...params, size: { width: 2560, height: 1440 } };
  const start = store.start({
    ...origin("a"),
    params: large,
    ...(places[0] && { place: places[0] }),
  });
  await expect(start).rejects.toMatchObject({ kind: "at_capacity" });
  expect([admission.taken, store.liveCount]).toEqual([4, 0]);
});

test("an ended stream tells why the server ended it, and nothing where it ended by itself", async () => {
  const store = storeOf(instantHost().host);
  const [stopped, finished] = [await store.start(origin("a")), await store.start(origin("b"))];
  expect(stopped.endReason).toBeNull();
  store.stop("a", "deleted");
  finished.receive({ type: "ended", id: "b" });
  await Promise.all([stopped.released, finished.released]);
  expect([stopped.endReason, finished.endReason]).toEqual(["deleted", null]);
});

test("a stream object has the seed's members, and zeros and nulls before the first figures", async () => {
  const record = await storeOf(instantHost().host).start(origin("a"));
  const object = record.toJSON();
  expect(Object.keys(object)).toEqual([
    "manifest_id",
    "stream_url",
    "input_url",
    "created_at",
    "status",
    "metadata",
    "params",
    "stats",
    "usage",
  ]);
  expect(object.created_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(object.metadata).toEqual({ width: 512, height: 512, prompts: [] });
  expect(object.params).toEqual({
    model: "dreamscape",
    width: 512,
    height: 512,
    fps: 24,
    fit: "cover",
    paused: false,
  });
  expect(object.stats).toMatchObject({
    frames_in: 0,
    restarts: 0,
    latency_ms: { p50: null },
    execution_provider: null,
  });
});

test("a stream object shows the channels that its protocol shows, and its model's own parameters", async () => {
  const store = storeOf(instantHost().host);
  const own = { ...params, model: "edges", model_params: { strength: 0.5 } };
  const channels = { stream_url: "http://127.0.0.1/x", input_url: "http://127.0.0.1/in" };
  const stream = await store.start({ ...origin("a"), channels, params: own });
  expect(stream.toJSON()).toMatchObject({
    ...channels,
    params: { model: "edges", strength: 0.5 },
  });
});

test("counters add up over engines, rates are the latest engine's", async () => {
  const record: Stream = await storeOf(instantHost().host).start(origin("a"));
  record.receive(stats(100));
  record.interrupted("SIGSEGV");
  expect(record.toJSON().stats).toMatchObject({ frames_in: 100, fps_in: 0, restarts: 1 });
  record.receive(stats(20));
  record.receive(stats(30));
  expect(record.toJSON().stats).toMatchObject({
    frames_in: 130,
    frames_dropped: 2,
    frames_processed: 128,
    frames_fallback: 2,
    errors: 2,
    consecutive_errors: 1,
    megapixels_out: 0.5,
    bytes_in: 400,
    bytes_out: 200,
    fps_in: 30,
  });
});

test("a run that never ended counts as an error, though no engine reports it", async () => {
  const record: Stream = await storeOf(instantHost().host).start(origin("a"));
  record.receive(stats(100));
  const { errors } = record.toJSON().stats;
  record.interrupted("running a model did not finish within 5 s", 1);
  expect(record.toJSON().stats.errors).toBe(errors + 1);
});

test("a change is pending until a frame was made with it, or it cannot be used", async () => {
  const store = storeOf(instantHost().host);
  const stream = await store.start(origin("a"));
  const pending = () => "pending" in stream.toJSON();
  expect(pending()).toBe(false);
  stream.receive({ type: "updated", id: "a", revision: 0 });
  store.update(stream, params);
  expect(pending()).toBe(false); // nothing has changed
  store.update(stream, { ...params, fps: 5 });
  expect(stream.toJSON().pending?.since).toMatch(/^20..-.*Z$/);
  stream.receive({ type: "updated", id: "a", revision: 0 }); // of a frame before
  expect(pending()).toBe(true);
  stream.receive({ type: "updated", id: "a", revision: 1 });
  expect(pending()).toBe(false);
  stream.interrupted("SIGSEGV");
  expect(pending()).toBe(false); // the next engine draws with them at once
  store.update(stream, { ...params, model: "paint" });
  stream.receive({ type: "refused", id: "a", revision: 2 });
  expect(pending()).toBe(false);
  stream.interrupted("SIGSEGV");
  expect(pending()).toBe(true); // the next engine tries again
  stream.receive({ type: "ended", id: "a" });
  expect(pending()).toBe(false);
});

test("a replacement engine gets what the last frame was drawn with, where the newest were in none", async () => {
  const store = storeOf(instantHost().host);
  const stream = await store.start(origin("a"));
  const graph = { ...params, model: "comfyui", graphs: ["{}"] };
  const interim = () => {
    const order = stream.order();
    return order.kind === "stream" ? order.interim : null;
  };
  store.update(stream, graph);
  expect(interim()).toBeUndefined(); // no frame has been drawn at all
  store.update(stream, params);
  stream.receive({ type: "updated", id: "a", revision: 2 });
  store.update(stream, { ...params, fps: 5 });
  expect(interim()).toBeUndefined(); // the same model
  store.update(stream, { ...graph, fps: 5 });
  stream.receive({ type: "refused", id: "a", revision: 4 });
  expect(interim()).toEqual({ ...params, fps: 5 });
  expect(stream.order()).toMatchObject({ params: { model: "comfyui", fps: 5 }, revision: 4 });
  stream.receive({ type: "updated", id: "a", revision: 4 });
  expect(interim()).toBeUndefined();
  store.update(stream, params);
  expect(interim()).toEqual(graph);
});

test("trouble shows until the engine reports that it is over, another engine takes over, or the stream ends", async () => {
  const stream = await storeOf(instantHost().host).start(origin("a"));
  const error = { kind: "model_failed", message: "no memory" } as const;
  stream.receive({ type: "trouble", id: "a", error });
  // New parameters mend a model, not an output that takes nothing.
  stream.receive({ type: "updated", id: "a", revision: 0 });
  expect(stream.toJSON()).toMatchObject({ status: "active", error: "no memory" });
  stream.receive({ type: "recovered", id: "a" });
  expect(stream.toJSON().error).toBeUndefined();
  stream.receive({ type: "trouble", id: "a", error });
  stream.interrupted("SIGSEGV");
  expect(stream.toJSON().error).toBeUndefined();
  stream.receive({ type: "trouble", id: "a", error });
  stream.receive({ type: "ended", id: "a" });
  expect(stream.toJSON()).toMatchObject({ status: "stopped" });
  expect(stream.toJSON().error).toBeUndefined();
});
