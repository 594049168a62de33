/** What a gateway knows of a stream: its state as it turns, and to its end (protocol.md 5.3, 7.4). */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { StatusStore } from "../support/gateway-status.ts";
import { FAST, networkServer, newId } from "../support/network-server.ts";
import {
  type ChannelName,
  eventsOf,
  makeChannels,
  orchestratorTrickle,
  readAll,
} from "../support/orchestrator-channels.ts";
import { FAKE_SERVER, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

/** No beat comes within a test. */
const SELDOM = { ...FAST, beatMs: 60_000 };

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function network(timing = FAST) {
  const net = await networkServer(timing);
  open.push({ [Symbol.asyncDispose]: () => net.close() });
  const states = (seen: Parameters<typeof eventsOf>[0]): string[] =>
    eventsOf(seen, "status").map(({ state }) => state);
  return { ...net, states };
}

test("a change of state is published at once, not with the next beat", async () => {
  const net = await network(SELDOM);
  const { id, events } = await net.start();
  const told = (state: string) => waitFor(state, () => net.states(events).at(-1) === state);
  await told("ONLINE");
  await net.post("/stream/params", id, { prompts: "trouble" });
  await told("DEGRADED_INFERENCE");
  await net.post("/stream/params", id, { prompts: "on" });
  await told("ONLINE");
  await net.post("/stream/params", id, { prompts: "exit" });
  await net.post("/stream/params", id, { prompts: "on" });
  await waitFor("the restart", () => net.states(events).slice(4).includes("LOADING"));
  await told("ONLINE");
  const states = net.states(events);
  expect(states.slice(0, 4)).toEqual(["LOADING", "ONLINE", "DEGRADED_INFERENCE", "ONLINE"]);
  expect(states.every((state, n) => state !== states[n - 1])).toBe(true);
  await net.end(id);
  await waitFor("its end", () => eventsOf(events, "stream_stopped").length === 1);
  expect(eventsOf(events).slice(-2)).toMatchObject([
    { type: "status", state: "OFFLINE" },
    { type: "stream_stopped" },
  ]);
});

test("the last status of a failed stream has the error", async () => {
  const net = await network(SELDOM);
  const { id, events } = await net.start({ params: { prompts: "lose output" } });
  await net.ended(id);
  await waitFor("its end", () => eventsOf(events, "stream_stopped").length === 1);
  expect(eventsOf(events).slice(-3)).toMatchObject([
    { type: "error", message: "the channel is gone" },
    { type: "status", state: "ERROR", inference_status: { last_error: "the channel is gone" } },
    { type: "stream_stopped" },
  ]);
});

test("a gateway stores what ai-runner's clients look for, and has it again after it has cleared its store", async () => {
  const net = await network();
  const { id, events } = await net.start({ params: { prompts: "a cat", model: "edges" } });
  await waitFor("it is online", () => net.states(events).at(-1) === "ONLINE");
  const store = new StatusStore({ whep_url: "http://gateway/x" }, 0);
  for (const status of eventsOf(events, "status")) store.take(status, 1000);
  const shape = {
    type: "status",
    pipeline: "byoc",
    start_time: expect.any(Number),
    state: "ONLINE",
    last_state_update_time: expect.any(Number),
    input_status: { last_input_time: expect.any(Number), fps: 30 },
    inference_status: {
      last_output_time: expect.any(Number),
      fps: 30,
      last_params_update_time: null,
      last_params: expect.objectContaining({ model: "edges", prompts: [{ prompt: "a cat" }] }),
      last_params_hash: expect.any(String),
      last_error_time: null,
      last_error: null,
      last_restart_time: null,
      last_restart_logs: null,
      restart_count: 0,
    },
    stats: expect.objectContaining({ frames_in: 10, model: "edges" }),
  };
  expect(store.at(2000)).toEqual(shape);
  expect(store.at(61_000)).toBeNull();
  const { length } = eventsOf(events, "status");
  await waitFor("the next one", () => eventsOf(events, "status").length > length);
  store.take(eventsOf(events, "status").at(-1), 62_000);
  expect(store.at(63_000)).toEqual(shape);
  await net.end(id);
});

test("a stop is answered within a second and events continue, however long the engine takes", async () => {
  const net = await network();
  const { id, events } = await net.start({ params: { prompts: "ignore stops" } });
  await waitFor("it is online", () => net.states(events).at(-1) === "ONLINE");
  const asked = performance.now();
  expect((await net.post("/stream/stop", id)).status).toBe(200);
  expect(performance.now() - asked).toBeLessThan(2500);
  // The engine ignores the stop, which is left to finish in the background after 5 s.
  await waitFor("its end", () => eventsOf(events, "stream_stopped").length === 1);
  expect(performance.now() - asked).toBeLessThan(10_000);
  expect(net.states(events).at(-1)).toBe("OFFLINE");
  const gaps = events.slice(1).map(({ at }, n) => at - (events[n]?.at ?? at));
  expect(Math.max(...gaps)).toBeLessThan(1500);
});

test("on SIGTERM a stream's last events and data are sent and its output deleted before the server exits", async () => {
  await using host = orchestratorTrickle();
  await using server = await startServer(FAKE_SERVER, ["--allow-hosts", "127.0.0.1"]);
  const stop = new AbortController();
  const id = newId();
  const names: ChannelName[] = ["publish", "control", "events", "data"];
  const urls = await makeChannels(host, id, names);
  const events = readAll(host.url(`${id}-events`), stop.signal).seen;
  const data = readAll(host.url(`${id}-data`), stop.signal).seen;
  const call = (path: string, body: object) =>
    fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { "x-stream-id": id },
      body: JSON.stringify(body),
    });
  await waitFor("the start", async () => {
    const { status } = await call("/stream/start", { gateway_request_id: id, ...urls });
    return status === 200;
  });
  await waitFor("it is online", () => eventsOf(events, "status").at(-1)?.state === "ONLINE");
  await call("/stream/params", { fps: 7 });
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  await waitFor("the end", () => eventsOf(events, "stream_stopped").length === 1);
  const { state, inference_status } = eventsOf(events, "status").at(-1);
  expect([state, inference_status.last_error]).toEqual(["ERROR", "the worker is shutting down"]);
  await waitFor("the data", () => data.some(({ text }) => text.includes("params_updated")));
  expect((await fetch(`${host.url(`${id}-out`)}/next`)).status).toBe(404);
  expect((await fetch(`${host.url(`${id}-events`)}/next`)).status).toBe(200);
  stop.abort();
});
