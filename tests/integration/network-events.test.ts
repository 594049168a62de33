import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { dataOf, networkServer, newId } from "../support/network-server.ts";
import {
  CHANNEL_NAMES,
  type ChannelName,
  control,
  eventsOf,
  makeChannels,
  orchestratorTrickle,
  readAll,
} from "../support/orchestrator-channels.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

let net: Awaited<ReturnType<typeof networkServer>>;
beforeAll(async () => {
  net = await networkServer();
});
afterAll(() => net.close());

describe("events", () => {
  test("are one object a segment, in the gateway's wrapper, a heartbeat and a status in turn", async () => {
    const { id, events } = await net.start({
      params: { prompts: "a cat", model: "edges", strength: 0.5 },
    });
    /** A change of state is published at once, out of turn. */
    const beatsSinceOnline = () => {
      const beats = eventsOf(events).filter(({ type }) => ["heartbeat", "status"].includes(type));
      const before = beats.findLastIndex(({ state }) => state !== undefined && state !== "ONLINE");
      const online = beats.findIndex(({ state }, n) => n > before && state === "ONLINE");
      return online < 0 ? [] : beats.slice(online + 1);
    };
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
    await waitFor("beats in turn", () => beatsSinceOnline().length > 4);
    const beats = beatsSinceOnline();
    expect(beats.every(({ type }, n) => n === 0 || type !== beats[n - 1]?.type)).toBe(true);
    const wrappers = events.map(({ text }) => JSON.parse(text).queue_event_type);
    expect(new Set(wrappers)).toEqual(
      new Set(["stream_trace", "stream_heartbeat", "ai_stream_status"]),
    );
    expect(events.map(({ text }) => text).join()).not.toContain("-control");
    await net.end(id);
  });

  test.each([
    ["publish", "runner_send_first_processed_segment"],
    ["subscribe", "runner_receive_first_ingest_segment"],
  ] as const)(
    "speak of no segments of %s where there is no such channel",
    async (absent, trace) => {
      const names = CHANNEL_NAMES.filter((name) => name !== absent);
      const { id, events } = await net.start({ names });
      await waitFor("some beats", () => eventsOf(events, "status").length > 3);
      const traces = eventsOf(events).map(({ type }) => type);
      expect(traces.filter((type) => type.startsWith("runner_")).length).toBe(2);
      expect(traces).not.toContain(trace);
      await net.end(id);
    },
  );

  test("continue while the engine dies, and report the restart", async () => {
    const { id, events, data } = await net.start();
    await waitFor("the start", () => net.server.store.get(id).status === "active");
    await net.post("/stream/params", id, { prompts: "exit" });
    await net.post("/stream/params", id, { prompts: "on" });
    await waitFor("the restart", () => eventsOf(events, "restart").length >= 1);
    const [restart] = eventsOf(events, "restart");
    expect(restart).toMatchObject({
      restart_count: 1,
      restart_time: expect.any(Number),
      restart_logs: ["exit code 7"],
    });
    await waitFor("it to be told to clients", () =>
      dataOf(data).some(({ type }) => type === "restart"),
    );
    await waitFor("the stream to run again", () => net.server.scheduler.state === "ready");
    await net.end(id);
  });

  test("continue while the engine hangs in native code, until it is replaced", async () => {
    const { id, events } = await net.start();
    await waitFor("the start", () => net.server.store.get(id).status === "active");
    await net.post("/stream/params", id, { prompts: "hang" });
    await net.post("/stream/params", id, { prompts: "on" });
    await waitFor("the restart", () => eventsOf(events, "restart").length === 1);
    await waitFor("its figures", () => eventsOf(events, "status").at(-1).state !== "LOADING");
    const gaps = events.slice(1).map(({ at }, n) => at - (events[n]?.at ?? at));
    // The hang lasts 3 s before anybody knows of it.
    expect(Math.max(...gaps)).toBeLessThan(1500);
    await net.end(id);
  });

  test("report the same trouble once", async () => {
    const { id, events, data } = await net.start({ params: { prompts: "trouble" } });
    await net.post("/stream/params", id, { fps: 5 });
    await net.post("/stream/params", id, { fps: 6 });
    await waitFor("the updates", () => eventsOf(events, "params_updated").length === 2);
    expect(eventsOf(events, "params_updated").map(({ params }) => params.fps)).toEqual([5, 6]);
    await waitFor("the error", () => eventsOf(events, "error").length > 0);
    const { length } = events;
    await waitFor("time to pass", () => events.length > length + 2);
    expect(eventsOf(events, "error")).toMatchObject([{ message: "made up" }]);
    await waitFor("it to be told to clients", () =>
      dataOf(data).some(({ message }) => message === "made up"),
    );
    await net.end(id);
  });

  test("and control outlast a restart of the trickle server that keeps the channels", async () => {
    const before = orchestratorTrickle();
    const id = newId();
    const names: ChannelName[] = ["control", "events", "data"];
    const urls = await makeChannels(before, id, names);
    await net.post("/stream/start", id, { gateway_request_id: id, ...urls });
    const record = net.server.store.get(id);
    await waitFor("the connections", () => before.pending() === 3);
    await before[Symbol.asyncDispose]();
    await using after = orchestratorTrickle(before.port);
    await makeChannels(after, id, names);
    const { seen } = readAll(after.url(`${id}-events`), net.stop.signal);
    await waitFor("heartbeats", () => eventsOf(seen, "heartbeat").length > 2);
    await waitFor("an update", async () => {
      await control(after, id, '{"fps": 13}');
      return record.params.fps === 13;
    });
    expect(record.endedAt).toBeNull();
    await net.end(id);
  });

  test("a failure is reported and flushed, and the output channel deleted; the others stay", async () => {
    const { id, events, data } = await net.start();
    await waitFor("the start", () => net.server.store.get(id).status === "active");
    await net.post("/stream/params", id, { prompts: "lose output" });
    await net.ended(id);
    expect(net.server.store.get(id).status).toBe("error");
    await waitFor("the error", () => eventsOf(events, "error").length === 1);
    expect(eventsOf(events, "error")[0].message).toBe("the channel is gone");
    expect(dataOf(data).some(({ type }) => type === "error")).toBe(true);
    await waitFor("the end of the output", async () => {
      return (await fetch(`${net.host.url(`${id}-out`)}/next`)).status === 404;
    });
    for (const suffix of ["", "-control", "-events", "-data"])
      expect((await fetch(`${net.host.url(`${id}${suffix}`)}/next`)).status).toBe(200);
  });
});

describe("data", () => {
  test("a line is a list of JSON texts, empty as a keep-alive", async () => {
    const { id, data } = await net.start({ params: { prompts: "load for ever" } });
    await waitFor("a keep-alive", () => data.length > 0);
    expect(data[0]?.text).toBe("[]");
    await net.post("/stream/params", id, { fps: 7 });
    await waitFor("the news", () => dataOf(data).length > 0);
    expect(dataOf(data)[0]).toMatchObject({ type: "params_updated", params: { fps: 7 } });
    await net.end(id);
  });

  test("a line is an object if requested; figures are sent unasked", async () => {
    const { id, data } = await net.start({ params: { data_format: "lines" } });
    const figures = () => dataOf(data).filter(({ type }) => type === "stats");
    await waitFor("figures", () => figures().length > 1);
    expect(figures()[0].stats).toMatchObject({ frames_in: expect.any(Number) });
    for (const line of data.flatMap(({ text }) => text.split("\n"))) expect(line).toStartWith("{");
    await net.end(id);
  });
});
