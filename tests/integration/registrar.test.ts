/** What is registered for several workers behind one URL: real server processes with fake engines, and the stand-in orchestrator. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { FleetCapacity } from "../../src/server/protocols/byoc/registration/fleet-capacity.ts";
import { OrchestratorStreams } from "../support/gateway-orchestrator.ts";
import { enginePid } from "../support/live-stream.ts";
import { Orchestrator } from "../support/orchestrator.ts";
import { makeChannels, orchestratorTrickle } from "../support/orchestrator-channels.ts";
import {
  FAKE_SERVER,
  MAIN,
  runProgram,
  type ServerProcess,
  startServer,
} from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const TOKEN = "fleet-token";
const ENV = { CAPABILITY_TOKEN: TOKEN, ORCH_URL: "http://127.0.0.1:9", MAX_STREAMS: "4" };
const FLAGS = ["--device", "cpu", "--allow-hosts", "127.0.0.1"];
const startWorker = (port = 0) => startServer(FAKE_SERVER, [...FLAGS, "--port", String(port)], ENV);

const workers: ServerProcess[] = [];
beforeAll(async () => {
  workers.push(...(await Promise.all([startWorker(), startWorker()])));
  for (const { url } of workers) await enginePid(url);
});
afterAll(async () => {
  for (const worker of workers) await worker[Symbol.asyncDispose]();
});
const urls = () => workers.map(({ url }) => url);

test("the command registers the sum under one URL, and leaves it in place when it ends", async () => {
  await using orch = await Orchestrator.start({ secret: "s" });
  const registrar = Bun.spawn([process.execPath, MAIN, "registrar"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "",
      ORCH_URL: orch.url,
      ORCH_SECRET: "s",
      CAPABILITY_TOKEN: TOKEN,
      CAPABILITY_URL: "http://127.0.0.1:8000",
      WORKERS: urls().join(),
    },
  });
  const name = "comfystream-video";
  await waitFor("both are counted", () => orch.capabilities.get(name)?.capacity === 8);
  expect(orch.capabilities.get(name)).toMatchObject({ url: "http://127.0.0.1:8000", token: TOKEN });
  registrar.kill("SIGTERM");
  expect(await registrar.exited).toBe(0);
  expect(orch.capabilities.has(name)).toBe(true);
  expect(await registrar.stderr.text()).not.toContain(TOKEN);
});

test("the command names all that is missing", async () => {
  const { code, err } = await runProgram(MAIN, ["registrar"], { ORCH_URL: "http://127.0.0.1:9" });
  const missing = ["ORCH_SECRET", "WORKERS", "CAPABILITY_URL", "CAPABILITY_TOKEN"];
  expect([code, err]).toEqual([2, missing.map((one) => `${one} is not set\n`).join("")]);
});

test("the capacity follows the streams that run, and workers that are lost and come back", async () => {
  const stop = new AbortController();
  const capacity = new FleetCapacity(urls(), 100, 20);
  const following = capacity.follow(stop.signal);
  const { changed } = capacity;
  await changed;
  await waitFor("both are found", () => capacity.total === 8);
  await using host = orchestratorTrickle();
  const call = (path: string, body: object) =>
    fetch(`${workers[0]?.url}/stream/${path}`, {
      method: "POST",
      headers: { "x-stream-id": "a", authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify(body),
    });
  const channels = await makeChannels(host, "a", ["control", "events"]);
  expect((await call("start", { gateway_request_id: "a", ...channels })).status).toBe(200);
  await waitFor("its place is counted", () => capacity.used === 1);
  const { emptied } = capacity;
  await call("stop", {});
  await emptied;
  expect(capacity.used).toBe(0);

  const lost = workers[1];
  lost?.kill("SIGKILL");
  await lost?.exited;
  await waitFor("one is lost", () => capacity.total === 4);
  const again = await startWorker(lost?.port);
  workers.splice(1, 1, again);
  await waitFor("it is found again", () => capacity.total === 8);
  stop.abort();
  await following;
});

test("a worker that drains offers nothing while its streams are still counted", async () => {
  let drains = false;
  await using worker = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      drains
        ? Response.json({ capacity: 4, used: 2 }, { status: 503 })
        : Response.json({ capacity: 4, used: 2 }),
  });
  await using other = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("hello"),
  });
  const stop = new AbortController();
  const all = [worker, other].map(({ port }) => `http://127.0.0.1:${port}`);
  const capacity = new FleetCapacity(all, 3, 10);
  const following = capacity.follow(stop.signal);
  await waitFor("it is found, up to the limit", () => capacity.total === 3);
  drains = true;
  await waitFor("it drains", () => capacity.total === 0);
  expect(capacity.used).toBe(2);
  stop.abort();
  await following;
});

test("two workers at one orchestrator: each has the work of its own name", async () => {
  await using orch = await Orchestrator.start({ secret: "s" });
  await using host = orchestratorTrickle();
  const env = { ORCH_URL: orch.url, ORCH_SECRET: "s" };
  const start = (name: string) =>
    startServer(FAKE_SERVER, [...FLAGS], { ...env, CAPABILITY_NAME: name });
  await using first = await start("video-a");
  await using second = await start("video-b");
  await waitFor("both are registered", () => orch.capabilities.size === 2);
  const trickleUrl = host.url("").replace(/\/$/, "");
  const none = { ingress: false, egress: false, data: false };
  for (const [name, worker] of [
    ["video-a", first],
    ["video-b", second],
  ] as const) {
    const streams = new OrchestratorStreams({ orchestrator: orch, capability: name, trickleUrl });
    expect((await streams.start(name, none)).status).toBe(200);
    expect(await streamsOf(worker)).toBe(1);
    const job = await orch.job(name, "text-reversal", '{"text":"abc"}');
    expect(await job.json()).toEqual({ original: "abc", reversed: "cba" });
    expect((await streams.stop(name)).status).toBe(200);
    expect(await streamsOf(worker)).toBe(0);
  }
});

test("two workers of one name at one orchestrator: the later has the name, and streams of the earlier end all the same", async () => {
  await using orch = await Orchestrator.start({ secret: "s" });
  await using host = orchestratorTrickle();
  const env = { ORCH_URL: orch.url, ORCH_SECRET: "s", CAPABILITY_NAME: "video" };
  await using earlier = await startServer(FAKE_SERVER, FLAGS, env);
  await waitFor("the earlier is registered", () => orch.capabilities.has("video"));
  const trickleUrl = host.url("").replace(/\/$/, "");
  const streams = new OrchestratorStreams({ orchestrator: orch, capability: "video", trickleUrl });
  const none = { ingress: false, egress: false, data: false };
  expect((await streams.start("s", none)).status).toBe(200);
  await using later = await startServer(FAKE_SERVER, FLAGS, env);
  await waitFor("the later is registered", () => orch.capabilities.get("video")?.url === later.url);
  expect((await streams.update("s", { fps: 5 })).status).toBe(404);
  expect(await streamsOf(earlier)).toBe(1);
  expect((await streams.stop("s")).status).toBe(200);
  await waitFor("the stream's end", async () => (await streamsOf(earlier)) === 0);
});

const streamsOf = async ({ url }: ServerProcess): Promise<number> => {
  const answer = await fetch(`${url}/health`);
  return ((await answer.json()) as { active_streams: number }).active_streams;
};
