import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { enginePid } from "../support/live-stream.ts";
import {
  type ChannelName,
  closeChannel,
  eventsOf,
  makeChannels,
  orchestratorTrickle,
  readAll,
} from "../support/orchestrator-channels.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import type { TrickleHost } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

let server: ServerProcess;
let host: TrickleHost;
const stop = new AbortController();

beforeAll(async () => {
  host = orchestratorTrickle();
  server = await startServer(MAIN, ["--allow-hosts", "127.0.0.1"]);
  await enginePid(server.url);
});
afterAll(async () => {
  stop.abort();
  await server[Symbol.asyncDispose]();
  await host[Symbol.asyncDispose]();
});

const post = (path: string, id: string, body: object | string) =>
  fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "x-stream-id": id },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

async function start(id: string, names: readonly ChannelName[], params: object = {}) {
  const urls = await makeChannels(host, id, names);
  const { seen } = readAll(host.url(`${id}-events`), stop.signal);
  const answer = await post("/stream/start", id, { gateway_request_id: id, params, ...urls });
  expect(answer.status).toBe(200);
  return seen;
}

const statusOf = async (id: string): Promise<{ status: string; error?: string }> => {
  const answer = await fetch(`${server.url}/stream/${id}/status`);
  return ((await answer.json()) as { stream: { status: string; error?: string } }).stream;
};
const over = (id: string, status: "stopped" | "error") =>
  waitFor(`${id} to be ${status}`, async () => (await statusOf(id)).status === status);

const next = (id: string, suffix: string) => fetch(`${host.url(`${id}${suffix}`)}/next`);

test("a stream without media lives until it is stopped", async () => {
  const seen = await start("plain", ["control", "events", "data"]);
  await waitFor("a status that is not loading", () => eventsOf(seen, "status").length > 1);
  expect(await statusOf("plain")).toMatchObject({ status: "active" });
  expect((await post("/stream/stop", "plain", "words")).status).toBe(200);
  await over("plain", "stopped");
});

test("a stream that only publishes goes online, and ends with its output", async () => {
  const small = { width: 64, height: 64, model: "test-card" };
  const seen = await start("out", ["control", "events", "publish"], small);
  await waitFor("the first segment", () => {
    return eventsOf(seen, "runner_send_first_processed_segment").length === 1;
  });
  await waitFor("the state", () => eventsOf(seen, "status").at(-1).state === "ONLINE");
  expect(eventsOf(seen, "heartbeat").at(-1).dimensions).toEqual({ width: 64, height: 64 });
  await closeChannel(host, "out", "publish");
  await over("out", "stopped");
  await waitFor("its end", () => eventsOf(seen, "stream_stopped").length === 1);
  expect(eventsOf(seen, "error")).toEqual([]);
});

test("the end of the input ends the stream, and no channel is removed", async () => {
  const seen = await start("in", ["subscribe", "control", "events", "data", "publish"]);
  await waitFor("the stream", () => eventsOf(seen, "heartbeat").length > 0);
  await waitFor("it to be active", async () => (await statusOf("in")).status === "active");
  await closeChannel(host, "in", "subscribe");
  await over("in", "stopped");
  for (const suffix of ["-out", "-control", "-events", "-data"])
    expect((await next("in", suffix)).status).toBe(200);
});

test("an input without a picture is reported under the orchestrator's field name", async () => {
  const seen = await start("blind", ["subscribe", "events"]);
  const padding = Buffer.alloc(188 * 20);
  for (let at = 0; at < padding.length; at += 188) padding.set([0x47, 0x1f, 0xff, 0x10], at);
  await fetch(`${host.url("blind")}/0`, { method: "POST", body: padding });
  await waitFor("the error", () => eventsOf(seen, "error").length === 1);
  expect(eventsOf(seen, "error")[0].message).toStartWith("subscribe_url has brought 3760 bytes");
  await post("/stream/stop", "blind", "");
  await over("blind", "stopped");
});

/** A trickle channel whose server reads no segment. */
async function stuckChannel(path: string) {
  const peer = createServer({ requestTimeout: 0 }, (request, response) => {
    response.on("error", () => {});
    request.on("error", () => {});
    if (request.method === "GET") response.writeHead(200, { "Lp-Trickle-Latest": "0" }).end("0");
    else if (request.url === path) response.end();
    else request.pause();
  });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(peer.address() as AddressInfo).port}${path}`,
    [Symbol.asyncDispose]: async () => {
      peer.closeAllConnections();
      await new Promise((resolve) => peer.close(resolve));
    },
  };
}

test("an output that takes nothing degrades the status, and is reported under the orchestrator's field name", async () => {
  await using stuck = await stuckChannel("/stuck-out");
  const own = await makeChannels(host, "stuck", ["events"]);
  const { seen } = readAll(host.url("stuck-events"), stop.signal);
  // The bitrate fills the kernel's buffers within a second or two.
  const params = { model: "dreamscape", width: 640, height: 360, bitrate: 200_000_000 };
  const body = { gateway_request_id: "stuck", ...own, publish_url: stuck.url, params };
  expect((await post("/stream/start", "stuck", body)).status).toBe(200);
  await waitFor("the error", () => eventsOf(seen, "error").length > 0, 25_000);
  expect(eventsOf(seen, "error")[0].message).toStartWith("publish_url: the channel has taken");
  await waitFor("the state", () => {
    return eventsOf(seen, "status").at(-1)?.state === "DEGRADED_INFERENCE";
  });
  const { stats, inference_status } = eventsOf(seen, "status").at(-1);
  expect(inference_status.last_error).toStartWith("publish_url: the channel has taken nothing");
  expect(stats.frames_out).toBeLessThan(stats.frames_in);
  await post("/stream/stop", "stuck", "");
  await over("stuck", "stopped");
});

test("an output channel that does not exist is reported on events", async () => {
  const urls = { publish_url: host.url("lost-out") };
  const own = await makeChannels(host, "lost", ["events", "data"]);
  const { seen } = readAll(host.url("lost-events"), stop.signal);
  const answer = await post("/stream/start", "lost", {
    gateway_request_id: "lost",
    ...own,
    ...urls,
  });
  expect(answer.status).toBe(200);
  await over("lost", "error");
  await waitFor("the error", () => eventsOf(seen, "error").length > 0);
  expect(eventsOf(seen, "error")[0].message).toStartWith("publish_url: ");
  expect((await next("lost", "-events")).status).toBe(200);
});
