import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { dataOf, FAST, networkServer, newId } from "../support/network-server.ts";
import { CHANNEL_NAMES, eventsOf, makeChannels } from "../support/orchestrator-channels.ts";
import { testServer } from "../support/test-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

let net: Awaited<ReturnType<typeof networkServer>>;
beforeAll(async () => {
  net = await networkServer();
});
afterAll(() => net.close());

describe("start", () => {
  const subsets = Array.from({ length: 32 }, (_, bits) =>
    CHANNEL_NAMES.filter((_name, bit) => bits & (1 << bit)),
  );
  test.each(subsets.map((names) => [names.join(" ") || "none", names] as const))(
    "with the channels %s, and stop",
    async (_title, names) => {
      const { id, answer, events } = await net.start({ names });
      expect(answer.body).toMatchObject({
        success: true,
        status: "success",
        manifest_id: id,
        request_id: id,
      });
      expect(answer.body.stream).toMatchObject({ stream_url: null, input_url: null });
      if (names.includes("events"))
        await waitFor("a heartbeat", () => eventsOf(events, "heartbeat").length > 0);
      expect((await net.post("/stream/stop", id)).status).toBe(200);
      await net.ended(id);
      expect(net.server.store.get(id).status).toBe("stopped");
    },
  );

  test.each<[string, unknown, number]>([
    ["null", null, 30],
    ["an object", { max_framerate: 20 }, 20],
    ["text", '{"max_framerate": 20}', 20],
    ["a list", [null, { max_framerate: 20 }], 20],
    ["pytrickle's loose numbers", { max_framerate: "20", width: "640", height: 360.4 }, 20],
  ])("with params %s", async (_title, params, fps) => {
    const { id, answer, record } = await net.start({ names: ["control", "events"], params });
    expect(answer.status).toBe(200);
    if (params !== null) expect(record?.params.fps).toBe(fps);
    if (JSON.stringify(params)?.includes("640"))
      expect(record?.params.size).toEqual({ width: 640, height: 360 });
    await net.end(id);
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
    ["params that are no JSON", { params: "{" }, "params"],
    ["params of another type", { params: 5 }, "params"],
    ["params that are text of another type", { params: "5" }, "params"],
    ["a URL of another type", { control_url: 5 }, "control_url"],
    ["segments longer than gateways wait", { params: { segment_seconds: 11 } }, "segment_seconds"],
    ["a bad data format", { params: { data_format: "xml" } }, "data_format"],
    [
      "a ComfyUI graph that cannot run",
      { params: { prompts: { 1: { class_type: "X" } } } },
      "prompts",
    ],
    ["an unknown model", { params: { model: "none" } }, "model"],
  ])("is refused for %s, naming the field", async (_title, wrong, field) => {
    const id = newId();
    const text = JSON.stringify({ gateway_request_id: id, ...wrong }).replaceAll("ID", id);
    const headers = "gateway_request_id" in wrong ? {} : { "x-stream-id": id };
    const { status, body } = await net.server.ask("POST", "/stream/start", text, headers);
    expect([status, body.details[0].field]).toEqual([400, field]);
    expect(net.server.store.list("live").some((one) => one.id === id)).toBe(false);
  });

  test("twice replaces the stream at once, and the sequence numbers of events continue", async () => {
    const first = await net.start();
    await waitFor("events", () => first.events.length > 2);
    const again = await net.post("/live-video-to-video", first.id, {
      gateway_request_id: first.id,
      ...first.urls,
    });
    expect(again.status).toBe(200);
    const second = net.server.store.get(first.id);
    expect(second).not.toBe(first.record as typeof second);
    await waitFor("the second to run", () => second.status === "active");
    await waitFor("its events", () => {
      return eventsOf(first.events, "runner_receive_stream_request").length === 2;
    });
    expect(first.record?.status).toBe("stopped");
    expect(first.events.map(({ seq }) => seq)).toEqual(first.events.map((_, n) => n));
    await net.end(first.id);
  });

  test("a start that waits for its predecessor is answered at once; stopped while it waits, it just ends", async () => {
    const own = testServer({ timing: FAST, maxStreams: 1 });
    try {
      await own.scheduler.ready(5000);
      const id = newId();
      const urls = await makeChannels(net.host, id);
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
      expect(performance.now() - asked).toBeLessThan(2000);
      expect(second.status).toBe("stopped");
      expect(first.status).toBe("stopping");
      const third = own.store.get(id);
      expect(third.status).toBe("starting");
      // After 5 s the stop is left to finish in the background, and the third starts.
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
      await full.scheduler.ready(5000);
      const begin = (on: typeof full, id: string) =>
        on.ask("POST", "/stream/start", { gateway_request_id: id }, { "x-stream-id": id });
      expect((await begin(full, "a")).status).toBe(200);
      expect((await begin(full, "b")).body).toMatchObject({ code: "at_capacity" });
      expect((await begin(full, "a")).status).toBe(200);
      const asked = performance.now();
      expect(await begin(booting, "a")).toMatchObject({ status: 503 });
      expect(performance.now() - asked).toBeLessThan(2000);
    } finally {
      await Promise.all([full.close(), booting.close()]);
    }
  });

  test("a model that loads for a minute delays neither the answer nor the events", async () => {
    const { id, answer, asked, events } = await net.start({ params: { prompts: "load for ever" } });
    expect(answer.status).toBe(200);
    expect(performance.now() - asked).toBeLessThan(2000);
    await waitFor("six beats", () => events.length > 8);
    expect((events[0]?.at ?? 1e9) - asked).toBeLessThan(2000);
    expect(eventsOf(events, "status").at(-1).state).toBe("LOADING");
    const stopping = performance.now();
    await net.post("/stream/stop", id, "the reason in words");
    expect(performance.now() - stopping).toBeLessThan(2000);
    await net.ended(id);
  });
});

describe("stop", () => {
  test("twice, of an unknown stream, and of one while another runs", async () => {
    const one = await net.start({ names: ["events"] });
    const other = await net.start({ names: ["events"] });
    for (const id of [one.id, one.id, "unknown"])
      expect((await net.post("/stream/stop", id, "words")).status).toBe(200);
    expect(net.server.store.get(one.id).status).toBe("stopped");
    expect(net.server.store.get(other.id).endedAt).toBeNull();
    await net.post("/c/comfystream-video/stream/stop", other.id);
    await net.ended(other.id);
  });

  test("leaves the channels open, and is reported on events and data", async () => {
    const { id, events, data } = await net.start();
    await waitFor("the start", () => events.length > 2);
    await net.post("/stream/params", id, { fps: 7 });
    await net.end(id);
    await waitFor("the last event", () => eventsOf(events, "stream_stopped").length === 1);
    await waitFor("the data", () => dataOf(data).some(({ type }) => type === "params_updated"));
    for (const suffix of ["", "-out", "-control", "-events", "-data"])
      expect((await fetch(`${net.host.url(`${id}${suffix}`)}/next`)).status).toBe(200);
    expect([...events, ...data].every(({ text }) => text !== "")).toBe(true);
  });
});

test("pytrickle's status has rates and the stream, and no channel", async () => {
  const { id } = await net.start();
  await waitFor("figures", () => net.server.store.get(id).stats.fps_in > 0);
  const { body } = await net.server.ask("GET", "/api/stream/status", undefined, {
    "x-stream-id": id,
  });
  expect(body).toMatchObject({
    status: "OK",
    state: "OK",
    pipeline_state: "OK",
    client_active: true,
    client_running: true,
    fps: {
      ingress_video_fps: 30,
      ingress_audio_fps: 47,
      egress_video_fps: 30,
      egress_audio_fps: 50,
    },
    current_params: { gateway_request_id: id },
    additional_info: {},
  });
  expect(JSON.stringify(body)).not.toContain(`${id}-`);
  await net.end(id);
});
