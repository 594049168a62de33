import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { NetworkTiming } from "../../src/server/network/network-stream.ts";
import {
  CHANNEL_NAMES,
  type ChannelName,
  closeChannel,
  control,
  eventsOf,
  makeChannels,
  orchestratorTrickle,
  readAll,
} from "../support/orchestrator-channels.ts";
import { testServer } from "../support/test-server.ts";
import type { TrickleHost } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

/** The real cadence, a hundredth of it. */
const timing: NetworkTiming = { beatMs: 50, silenceMs: 600, batchMs: 3, keepAliveMs: 250 };

let server: ReturnType<typeof testServer>;
let host: TrickleHost;
const stop = new AbortController();
let ids = 0;

beforeAll(async () => {
  server = testServer({ timing, maxStreams: 30 });
  host = orchestratorTrickle();
  await server.pool.ready(5000);
});
afterAll(async () => {
  stop.abort();
  await server.close();
  await host[Symbol.asyncDispose]();
});

const newId = () => `gw-${++ids}`;
const post = (path: string, id: string, body?: unknown) =>
  server.ask("POST", path, body, { "x-stream-id": id });

interface StartOptions {
  readonly id?: string;
  readonly names?: readonly ChannelName[];
  readonly params?: unknown;
}

/** A started stream of which everything written is read. */
async function start({ id = newId(), names = CHANNEL_NAMES, params = {} }: StartOptions = {}) {
  const urls = await makeChannels(host, id, names);
  const events = readAll(host.url(`${id}-events`), stop.signal).seen;
  const data = readAll(host.url(`${id}-data`), stop.signal).seen;
  const asked = performance.now();
  const answer = await post("/stream/start", id, { gateway_request_id: id, params, ...urls });
  const record = answer.status === 200 ? server.store.get(id) : null;
  return { id, urls, events, data, asked, answer, record };
}

/** Objects on the data channel, whatever its form. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into messages freely
const dataOf = (seen: readonly { text: string }[]): any[] =>
  seen
    .flatMap(({ text }) => text.split("\n"))
    .flatMap((line) => {
      const value = JSON.parse(line);
      return Array.isArray(value) ? value.map((text) => JSON.parse(text)) : [value];
    });

const ended = (id: string) =>
  waitFor("the end", () => !server.store.list("live").some((one) => one.id === id));

describe("start", () => {
  const subsets = Array.from({ length: 32 }, (_, bits) =>
    CHANNEL_NAMES.filter((_name, bit) => bits & (1 << bit)),
  );
  test.each(subsets.map((names) => [names.join(" ") || "none", names] as const))(
    "with the channels %s, and stop",
    async (_title, names) => {
      const { id, answer, events } = await start({ names });
      expect(answer.body).toMatchObject({
        success: true,
        status: "success",
        manifest_id: id,
        request_id: id,
      });
      expect(answer.body.stream).toMatchObject({ stream_url: null, input_url: null });
      if (names.includes("events"))
        await waitFor("a heartbeat", () => eventsOf(events, "heartbeat").length > 0);
      expect((await post("/stream/stop", id)).status).toBe(200);
      await ended(id);
      expect(server.store.get(id).status).toBe("stopped");
    },
  );

  test.each<[string, unknown, number]>([
    ["null", null, 30],
    ["an object", { max_framerate: 20 }, 20],
    ["text", '{"max_framerate": 20}', 20],
    ["a list", [null, { max_framerate: 20 }], 20],
    ["pytrickle's loose numbers", { max_framerate: "20", width: "640", height: 360.4 }, 20],
  ])("with params %s", async (_title, params, fps) => {
    const { id, answer, record } = await start({ names: ["control", "events"], params });
    expect(answer.status).toBe(200);
    if (params !== null) expect(record?.params.fps).toBe(fps);
    if (JSON.stringify(params)?.includes("640"))
      expect(record?.params.size).toEqual({ width: 640, height: 360 });
    await post("/stream/stop", id);
    await ended(id);
  });

  test.each<[string, object, string]>([
    ["no id", { gateway_request_id: "" }, "gateway_request_id"],
    ["a foreign host", { events_url: "http://192.0.2.1/ai/trickle/ID-events" }, "events_url"],
    ["another's control", { control_url: "http://127.0.0.1:9/other-control" }, "control_url"],
    ["another's events", { events_url: "http://127.0.0.1:9/other-events" }, "events_url"],
    ["another's data", { data_url: "http://127.0.0.1:9/other-data" }, "data_url"],
    ["another's input", { subscribe_url: "http://127.0.0.1:9/other" }, "subscribe_url"],
    ["another's output", { publish_url: "http://127.0.0.1:9/other-out" }, "publish_url"],
    ["one size", { params: { width: 512 } }, "height"],
    ["a size that is none", { params: { width: "wide", height: 512 } }, "width"],
    ["a rate of zero", { params: { max_framerate: 0 } }, "max_framerate"],
    ["a rate of 61", { params: { max_framerate: "61" } }, "max_framerate"],
    ["a rate with a fraction in words", { params: { max_framerate: "fast" } }, "max_framerate"],
    ["no boolean", { params: { detect_out_resolution: "maybe" } }, "detect_out_resolution"],
    ["a bad data format", { params: { data_format: "xml" } }, "data_format"],
    ["a ComfyUI graph", { params: { prompts: { 1: { class_type: "X" } } } }, "prompts"],
    ["an unknown model", { params: { model: "none" } }, "model"],
  ])("is refused for %s, naming the field", async (_title, wrong, field) => {
    const id = newId();
    const text = JSON.stringify({ gateway_request_id: id, ...wrong }).replaceAll("ID", id);
    const headers = "gateway_request_id" in wrong ? {} : { "x-stream-id": id };
    const { status, body } = await server.ask("POST", "/stream/start", text, headers);
    expect([status, body.details[0].field]).toEqual([400, field]);
    expect(server.store.list("live").some((one) => one.id === id)).toBe(false);
  });

  test("twice replaces, at once, and the numbers of the events go on", async () => {
    const first = await start();
    await waitFor("events", () => first.events.length > 2);
    const again = await post("/live-video-to-video", first.id, {
      gateway_request_id: first.id,
      ...first.urls,
    });
    expect(again.status).toBe(200);
    const second = server.store.get(first.id);
    expect(second).not.toBe(first.record as typeof second);
    await waitFor("the second to run", () => second.status === "active");
    await waitFor("its events", () => {
      return eventsOf(first.events, "runner_receive_stream_request").length === 2;
    });
    expect(first.record?.status).toBe("stopped");
    expect(first.events.map(({ seq }) => seq)).toEqual(first.events.map((_, n) => n));
    await post("/stream/stop", first.id);
    await ended(first.id);
  });

  test("a start that must wait for its predecessor answers at once; stopped meanwhile, it just ends", async () => {
    const own = testServer({ timing, maxStreams: 1 });
    try {
      await own.pool.ready(5000);
      const id = newId();
      const urls = await makeChannels(host, id);
      const begin = (prompt: string) =>
        own.ask(
          "POST",
          "/stream/start",
          { gateway_request_id: id, ...urls, params: { prompts: prompt } },
          { "x-stream-id": id },
        );
      await begin("ignore stops");
      const first = own.store.get(id);
      await waitFor("the engine to have it", () => first.status === "active");
      const asked = performance.now();
      expect((await begin("never begins")).status).toBe(200);
      const second = own.store.get(id);
      expect((await begin("x")).status).toBe(200);
      expect(performance.now() - asked).toBeLessThan(1000);
      expect(second.status).toBe("stopped");
      expect(first.status).toBe("stopping");
      const third = own.store.get(id);
      expect(third.status).toBe("starting");
      // The engine that does not stop is killed; the next one takes the third up.
      await waitFor("the third to run", () => third.status === "active", 15_000);
      expect(first.endedAt).not.toBeNull();
    } finally {
      await own.close();
    }
  });

  test("a server that is full, or has no engine yet, answers 503 within a second", async () => {
    const full = testServer({ maxStreams: 1 });
    const booting = testServer({ engine: "never-ready" });
    try {
      await full.pool.ready(5000);
      const begin = (on: typeof full, id: string) =>
        on.ask("POST", "/stream/start", { gateway_request_id: id }, { "x-stream-id": id });
      expect((await begin(full, "a")).status).toBe(200);
      expect((await begin(full, "b")).body).toMatchObject({ code: "at_capacity" });
      expect((await begin(full, "a")).status).toBe(200);
      const asked = performance.now();
      expect(await begin(booting, "a")).toMatchObject({ status: 503 });
      expect(performance.now() - asked).toBeLessThan(1000);
    } finally {
      await Promise.all([full.close(), booting.close()]);
    }
  });

  test("a model that loads for a minute delays neither the answer nor the events", async () => {
    const { id, answer, asked, events } = await start({ params: { prompts: "load for ever" } });
    expect(answer.status).toBe(200);
    expect(performance.now() - asked).toBeLessThan(1000);
    await waitFor("six beats", () => events.length > 8);
    expect((events[0]?.at ?? 1e9) - asked).toBeLessThan(1000);
    expect(eventsOf(events, "status").at(-1).state).toBe("LOADING");
    const stopping = performance.now();
    await post("/stream/stop", id, "the reason in words");
    expect(performance.now() - stopping).toBeLessThan(1000);
    await ended(id);
  });
});

describe("stop", () => {
  test("twice, of an unknown stream, and of one while another runs", async () => {
    const one = await start({ names: ["events"] });
    const other = await start({ names: ["events"] });
    for (const id of [one.id, one.id, "unknown"])
      expect((await post("/stream/stop", id, "words")).status).toBe(200);
    expect(server.store.get(one.id).status).toBe("stopped");
    expect(server.store.get(other.id).endedAt).toBeNull();
    await post("/c/comfystream-video/stream/stop", other.id);
    await ended(other.id);
  });

  test("leaves the channels alone, and says so on events and data", async () => {
    const { id, events, data } = await start();
    await waitFor("the start", () => events.length > 2);
    await post("/stream/params", id, { fps: 7 });
    await post("/stream/stop", id);
    await ended(id);
    await waitFor("the last event", () => eventsOf(events, "stream_stopped").length === 1);
    await waitFor("the data", () => dataOf(data).some(({ type }) => type === "params_updated"));
    for (const suffix of ["", "-out", "-control", "-events", "-data"])
      expect((await fetch(`${host.url(`${id}${suffix}`)}/next`)).status).toBe(200);
    expect([...events, ...data].every(({ text }) => text !== "")).toBe(true);
  });
});

describe("events", () => {
  test("are one object a segment, in the gateway's wrapper, a heartbeat and a status in turn", async () => {
    const { id, events } = await start({
      params: { prompts: "a cat", model: "edges", strength: 0.5 },
    });
    await waitFor("some beats", () => events.length > 12);
    const [request, heartbeat, status] = eventsOf(events);
    expect(request).toMatchObject({ type: "runner_receive_stream_request" });
    expect(heartbeat).toEqual({
      type: "heartbeat",
      timestamp: expect.any(Number),
      dimensions: { width: 0, height: 0 },
      fps: expect.objectContaining({ ingress_video_fps: 0, egress_audio_fps: 0 }),
    });
    expect(status).toMatchObject({
      type: "status",
      pipeline: expect.any(String),
      start_time: expect.any(Number),
      state: "LOADING",
      input_status: { last_input_time: null, fps: 0 },
      inference_status: { restart_count: 0, last_error: null, last_restart_logs: null },
      stats: { frames_in: 0 },
    });
    const later = eventsOf(events, "status").at(-1);
    expect(later).toMatchObject({
      state: "ONLINE",
      input_status: { fps: 30 },
      inference_status: { last_params: { model: "edges", strength: 0.5 } },
      stats: { frames_in: 10, model: "edges" },
    });
    const traces = eventsOf(events).map(({ type }) => type);
    expect(traces).toContain("runner_receive_first_ingest_segment");
    expect(traces).toContain("runner_send_first_processed_segment");
    const beats = traces.filter((type) => type === "heartbeat" || type === "status").slice(3);
    expect(beats.every((type, n) => n === 0 || type !== beats[n - 1])).toBe(true);
    const wrappers = events.map(({ text }) => JSON.parse(text).queue_event_type);
    expect(new Set(wrappers)).toEqual(
      new Set(["stream_trace", "stream_heartbeat", "ai_stream_status"]),
    );
    expect(events.map(({ text }) => text).join()).not.toContain("-control");
    await post("/stream/stop", id);
    await ended(id);
  });

  test("go on while the engine dies, and tell of the restart", async () => {
    const { id, events, data } = await start();
    await waitFor("the start", () => server.store.get(id).status === "active");
    await post("/stream/params", id, { prompts: "exit" });
    await post("/stream/params", id, { prompts: "on" });
    await waitFor("the restart", () => eventsOf(events, "restart").length >= 1);
    const [restart] = eventsOf(events, "restart");
    expect(restart).toMatchObject({ restart_count: 1, restart_time: expect.any(Number) });
    await waitFor("it to be told to clients", () =>
      dataOf(data).some(({ type }) => type === "restart"),
    );
    await waitFor("the stream to run again", () => server.pool.state === "ready");
    await post("/stream/stop", id);
    await ended(id);
  });

  test("tell of trouble once, however often it comes", async () => {
    const { id, events, data } = await start({ params: { prompts: "trouble" } });
    await post("/stream/params", id, { fps: 5 });
    await post("/stream/params", id, { fps: 6 });
    await waitFor("the updates", () => eventsOf(events, "params_updated").length === 2);
    expect(eventsOf(events, "params_updated").map(({ params }) => params.fps)).toEqual([5, 6]);
    await waitFor("the error", () => eventsOf(events, "error").length > 0);
    const { length } = events;
    await waitFor("time to pass", () => events.length > length + 2);
    expect(eventsOf(events, "error")).toMatchObject([{ message: "made up" }]);
    await waitFor("it to be told to clients", () =>
      dataOf(data).some(({ message }) => message === "made up"),
    );
    await post("/stream/stop", id);
    await ended(id);
  });

  test("and control outlast a restart of the trickle server that keeps the channels", async () => {
    const before = orchestratorTrickle();
    const id = newId();
    const names: ChannelName[] = ["control", "events", "data"];
    const urls = await makeChannels(before, id, names);
    await post("/stream/start", id, { gateway_request_id: id, ...urls });
    const record = server.store.get(id);
    await waitFor("the connections", () => before.pending() === 3);
    await before[Symbol.asyncDispose]();
    await using after = orchestratorTrickle(before.port);
    await makeChannels(after, id, names);
    const { seen } = readAll(after.url(`${id}-events`), stop.signal);
    await waitFor("heartbeats", () => eventsOf(seen, "heartbeat").length > 2);
    await waitFor("an update", async () => {
      await control(after, id, '{"fps": 13}');
      return record.params.fps === 13;
    });
    expect(record.endedAt).toBeNull();
    await post("/stream/stop", id);
    await ended(id);
  });

  test("a failure is told, flushed, and the output channel removed; the others stay", async () => {
    const { id, events, data } = await start();
    await waitFor("the start", () => server.store.get(id).status === "active");
    await post("/stream/params", id, { prompts: "lose output" });
    await ended(id);
    expect(server.store.get(id).status).toBe("error");
    await waitFor("the error", () => eventsOf(events, "error").length === 1);
    expect(eventsOf(events, "error")[0].message).toBe("the channel is gone");
    expect(dataOf(data).some(({ type }) => type === "error")).toBe(true);
    await waitFor("the end of the output", async () => {
      return (await fetch(`${host.url(`${id}-out`)}/next`)).status === 404;
    });
    for (const suffix of ["", "-control", "-events", "-data"])
      expect((await fetch(`${host.url(`${id}${suffix}`)}/next`)).status).toBe(200);
  });
});

describe("control", () => {
  test("updates like HTTP does: in order, merged, wrapped or not, one or several a segment", async () => {
    const { id, events, record } = await start({ params: { prompts: "a cat", fps: 9 } });
    await control(host, id, '{"keep":"alive"}');
    await control(host, id, "");
    await control(host, id, "[1]");
    await control(host, id, '{"fps": 5}\n{"params": {"model": "edges", "strength": 2}}\n');
    await control(host, id, '{"params": "{\\"fps\\": null}"}');
    await control(host, id, '{\n "fit": "contain"\n}');
    await waitFor("the last", () => record?.params.fit === "contain");
    expect(record?.params).toMatchObject({
      prompts: [{ prompt: "a cat" }],
      model: "edges",
      model_params: { strength: 2 },
    });
    expect(record?.params.fps).toBeUndefined();
    expect(eventsOf(events, "error")).toEqual([]);
    await waitFor("news of each", () => eventsOf(events, "params_updated").length === 4);
    await post("/stream/stop", id);
    await ended(id);
  });

  test("what is bad is told and changes nothing; what follows counts", async () => {
    const { id, events, record } = await start({ params: { fps: 9 } });
    await control(host, id, "{broken");
    await control(host, id, '{"fps": 100}');
    await control(host, id, '{"model": "none"}');
    await control(host, id, '{"fit": "contain"}');
    await waitFor("the good one", () => record?.params.fit === "contain");
    expect(record?.params.fps).toBe(9);
    await waitFor("the errors", () => eventsOf(events, "error").length === 3);
    expect(eventsOf(events, "error").map(({ message }) => message)).toEqual([
      expect.stringContaining("no JSON"),
      expect.stringContaining("fps"),
      expect.stringContaining("none"),
    ]);
    await post("/stream/stop", id);
    await ended(id);
  });

  test("a message of 10 MB counts", async () => {
    const { id, record } = await start();
    const large = JSON.stringify({ note: "x".repeat(10 * 1024 * 1024), fps: 11 });
    await control(host, id, large);
    await waitFor("it", () => record?.params.fps === 11);
    await post("/stream/stop", id);
    await ended(id);
  });

  test.each<ChannelName>(["control", "events", "data"])(
    "the end of the %s channel ends the stream",
    async (name) => {
      const { id, events } = await start();
      await waitFor("the start", () => events.length > 2);
      await closeChannel(host, id, name);
      await ended(id);
      expect(server.store.get(id).status).toBe("stopped");
    },
  );

  test.each<ChannelName>(["control", "events", "data"])(
    "a stream whose %s channel is not there fails with that reason",
    async (name) => {
      const id = newId();
      const others = CHANNEL_NAMES.filter((one) => one !== name);
      const urls = await makeChannels(host, id, others);
      const missing = { [`${name}_url`]: host.url(`${id}-${name}`) };
      await post("/stream/start", id, { gateway_request_id: id, ...urls, ...missing });
      await ended(id);
      expect(server.store.get(id).toJSON()).toMatchObject({
        status: "error",
        error: expect.stringContaining(`${id}-${name}`),
      });
    },
  );

  test("silence after a keep-alive ends the stream; a stream that never had one stays", async () => {
    const kept = await start();
    const quiet = await start();
    await control(host, kept.id, '{"keep":"alive"}');
    await ended(kept.id);
    expect(server.store.get(kept.id).status).toBe("stopped");
    expect(server.store.get(quiet.id).endedAt).toBeNull();
    await post("/stream/stop", quiet.id);
    await ended(quiet.id);
  });
});

describe("data", () => {
  test("a line is a list of JSON texts; lists are empty while there is nothing to say", async () => {
    const { id, data } = await start({ params: { prompts: "load for ever" } });
    await waitFor("a keep-alive", () => data.length > 0);
    expect(data[0]?.text).toBe("[]");
    await post("/stream/params", id, { fps: 7 });
    await waitFor("the news", () => dataOf(data).length > 0);
    expect(dataOf(data)[0]).toMatchObject({ type: "params_updated", params: { fps: 7 } });
    await post("/stream/stop", id);
    await ended(id);
  });

  test("a line is an object where that is asked for; figures come on their own", async () => {
    const { id, data } = await start({ params: { data_format: "lines" } });
    await waitFor("figures", () => data.length > 1);
    for (const { text } of data)
      expect(JSON.parse(text.split("\n")[0] ?? "")).toMatchObject({
        type: "stats",
        stats: { frames_in: expect.any(Number) },
      });
    await post("/stream/stop", id);
    await ended(id);
  });
});

test("pytrickle's callers read rates and what runs, and no channel", async () => {
  const { id } = await start();
  await waitFor("figures", () => server.store.get(id).stats.fps_in > 0);
  const { body } = await server.ask("GET", "/api/stream/status", undefined, { "x-stream-id": id });
  expect(body).toMatchObject({
    status: "OK",
    state: "OK",
    pipeline_state: "OK",
    client_active: true,
    client_running: true,
    fps: { ingress_video_fps: 30, ingress_audio_fps: 0, egress_video_fps: 30, egress_audio_fps: 0 },
    current_params: { gateway_request_id: id },
    additional_info: {},
  });
  expect(JSON.stringify(body)).not.toContain(`${id}-`);
  await post("/stream/stop", id);
  await ended(id);
});
