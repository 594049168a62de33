/** The real server process as a live runner, with fake engines, against the stand-in orchestrator (live-runner.md 2, 3.3, 7). */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { readConfig } from "../../src/config.ts";
import { examineRegistrations } from "../../src/server/registrations-report.ts";
import { OrchestratorStreams } from "../support/gateway-orchestrator.ts";
import type { RegisteredRunner } from "../support/live-runner/registry.ts";
import { type StandInOptions, StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { enginePid } from "../support/live-stream.ts";
import { Orchestrator } from "../support/orchestrator.ts";
import { orchestratorTrickle } from "../support/orchestrator-channels.ts";
import { FAKE_SERVER, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const SECRET = "orch-secret-77e1";
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function standIn(options: StandInOptions): Promise<StandInOrchestrator> {
  const defaults = { secret: SECRET, intervalMs: 50, ttlMs: 20_000 };
  const started = await StandInOrchestrator.start({ ...defaults, ...options });
  open.push(started);
  return started;
}

interface Worker {
  readonly server: ServerProcess;
  /** Lines of its log. */
  readonly lines: readonly string[];
}

async function worker(env: Record<string, string>): Promise<Worker> {
  const lines: string[] = [];
  const flags = ["--device", "cpu", "--log-level", "debug"];
  const settings = { RUNNER_APP: "live/video", ORCH_SECRET: SECRET, ...env };
  const server = await startServer(FAKE_SERVER, flags, settings, (line) => lines.push(line));
  open.push(server);
  return { server, lines };
}

const has = ({ lines }: Worker, text: string) => lines.some((line) => line.includes(text));

test("R7: at SIGTERM a server without sessions is unregistered everywhere within 2 s", async () => {
  const orchestrators = [
    await standIn({ dialect: "go-livepeer" }),
    await standIn({ dialect: "livepeer-node" }),
  ];
  const ORCH_URL = orchestrators.map(({ url }) => url).join();
  const { server } = await worker({ ORCH_URL, ORCH_MODE: "runner" });
  for (const orchestrator of orchestrators) await orchestrator.registered();
  const asked = performance.now();
  server.kill("SIGTERM");
  const areLeft = () => orchestrators.every(({ registry }) => registry.runners.size === 0);
  await waitFor("the end of the registrations", areLeft);
  expect(performance.now() - asked).toBeLessThan(2000);
  expect(await server.exited).toBe(0);
  const statuses = orchestrators.map(({ calls }) =>
    calls.of("unregister").map((one) => one.status),
  );
  expect(statuses).toEqual([[204], [200]]);
});

test("R9: a BYOC stream and a session share the places, and either kind is refused beyond them", async () => {
  const byoc = await Orchestrator.start({ secret: SECRET });
  open.push(byoc);
  await using host = orchestratorTrickle();
  const orchestrator = await standIn({ dialect: "livepeer-node" });
  const both = await worker({
    ORCH_URL: `${byoc.url},${orchestrator.url}`,
    MAX_STREAMS: "2",
    ALLOW_HOSTS: "127.0.0.1",
  });
  const name = "comfystream-video";
  await waitFor("the capability", () => byoc.capabilities.has(name));
  const runner = await orchestrator.registered();
  await waitFor("its places", () => runner.offer.status === "ready" && runner.offer.capacity === 2);
  const trickleUrl = host.url("").replace(/\/$/, "");
  const streams = new OrchestratorStreams({ orchestrator: byoc, capability: name, trickleUrl });
  const none = { ingress: false, egress: false, data: false };
  expect((await streams.start("one", none)).status).toBe(200);
  await waitFor("one place", () => runner.offer.capacity === 1);
  const session = await orchestrator.reserve();
  expect((await session.post("/stream")).status).toBe(200);
  await expect(orchestrator.reserve()).rejects.toThrow("409");
  expect((await streams.start("two", none)).status).toBe(503);
  expect((await streams.stop("one")).status).toBe(200);
  await waitFor("a place", () => runner.offer.capacity === 2);
  expect((await (await orchestrator.reserve()).post("/stream")).status).toBe(200);
  // What one of the orchestrators does not speak is reported once, and is no error.
  await waitFor("both reports", () => has(both, "it takes no runners") && has(both, "has BYOC"));
  const reports = both.lines.filter((line) => line.includes("retried every 60 s"));
  expect(reports.map((line) => JSON.parse(line).level)).toEqual(["WARN", "WARN"]);
  const { port } = both.server;
  const asked = readConfig(["--host", "127.0.0.1", "--port", `${port}`], { ORCH_URL: byoc.url });
  const report = await examineRegistrations(asked);
  expect(report?.ok).toBe(true);
  const rows = report?.text.split("\n").map((row) => row.split(/ {2,}/));
  expect(rows?.[0]).toEqual([`registrations of the server at http://127.0.0.1:${port}: ok`]);
  const since = expect.stringMatching(/^since \d{4}-/);
  const not = [expect.stringMatching(/^NOT REGISTERED$/), expect.stringMatching(/404/)];
  expect(rows?.slice(2)).toEqual([
    ["byoc", name, byoc.url, since],
    ["byoc", name, orchestrator.url, ...not],
    ["runner", "live/video", byoc.url, ...not],
    ["runner", "live/video", orchestrator.url, since],
  ]);
});

test("R5: heartbeats go on while an engine loads, hangs and is replaced", async () => {
  const orchestrator = await standIn({ dialect: "go-livepeer" });
  const other = await standIn({ dialect: "livepeer-node" });
  const [{ server }] = await Promise.all([
    worker({ ORCH_URL: orchestrator.url }),
    worker({ ORCH_URL: other.url, FAKE_ENGINE: "never-ready" }),
  ]);
  const several = async (what: string, runner: RegisteredRunner) => {
    const { beats } = runner;
    const begun = performance.now();
    await waitFor(what, () => runner.beats >= beats + 5);
    expect(performance.now() - begun).toBeLessThan(2000);
  };
  const loading = await other.registered();
  await several("heartbeats while it loads", loading);
  expect(loading.offer.status).toBe("loading");
  const pid = await enginePid(server.url);
  const runner = await orchestrator.registered();
  process.kill(pid, "SIGSTOP");
  await several("heartbeats while it hangs", runner);
  process.kill(pid, "SIGKILL");
  await several("heartbeats while it is replaced", runner);
  expect(runner.offer.status).toBe("ready");
});

test("R11: /health is 200 in time while the server loads, is full, drains, and replaces its engine", async () => {
  const orchestrator = await standIn({ dialect: "go-livepeer" });
  const loading = worker({ ORCH_URL: orchestrator.url, MAX_STREAMS: "2", GRACE: "30s" });
  const { server } = await loading;
  const slow: string[] = [];
  let polls = 0;
  let over = false;
  const poll = async () => {
    while (!over) {
      const begun = performance.now();
      const { status } = await fetch(`${server.url}/health`);
      const ms = performance.now() - begun;
      if (status !== 200 || ms >= 250) slow.push(`${status} after ${ms} ms`);
      polls++;
    }
  };
  /** Requests as orchestrators and operators send them. */
  const load = async () => {
    while (!over) await (await fetch(`${server.url}/models`)).text();
  };
  const running = Promise.all([poll(), poll(), load(), load()]);
  const until = async (count: number) => {
    const wanted = polls + count;
    await waitFor(`${count} polls`, () => polls >= wanted);
  };
  const pid = await enginePid(server.url);
  await until(200);
  const runner = await orchestrator.registered();
  await waitFor("its places", () => runner.offer.status === "ready");
  const sessions = [await orchestrator.reserve(), await orchestrator.reserve()];
  for (const session of sessions) expect((await session.post("/stream")).status).toBe(200);
  await until(200);
  await sessions[0]?.post("/pause");
  process.kill(pid, "SIGKILL");
  await until(300);
  server.kill("SIGTERM");
  await until(300);
  over = true;
  await running;
  expect(slow).toEqual([]);
  expect(polls).toBeGreaterThan(1000);
});

test("credentials of a runner are in no log line", async () => {
  const RUNNER_KEY = "runner-key-0123456789ab";
  const orchestrator = await standIn({ dialect: "go-livepeer" });
  const one = await worker({ ORCH_URL: orchestrator.url, RUNNER_KEY });
  const runner = await orchestrator.registered();
  await waitFor("its places", () => runner.offer.status === "ready");
  const session = await orchestrator.reserve();
  expect((await session.post("/stream")).status).toBe(200);
  const token = orchestrator.session(session.id)?.token ?? "no token";
  await orchestrator.forget();
  await orchestrator.registered();
  orchestrator.calls.fail("heartbeat", {
    status: 400,
    text: `bad ${SECRET} ${runner.offer.runner_url}`,
  });
  await waitFor("the refusal", () => has(one, "it answered 400"));
  one.server.kill("SIGTERM");
  expect(await one.server.exited).toBe(0);
  const hidden = [SECRET, RUNNER_KEY, runner.heartbeatSecret, session.id, token];
  for (const secret of hidden) expect(has(one, secret)).toBe(false);
});

test("a static runner takes the sessions of an orchestrator whose operator lists it", async () => {
  const RUNNER_KEY = "runner-key-0123456789ab";
  const orchestrator = await standIn({ dialect: "go-livepeer" });
  const { host } = new URL(orchestrator.url);
  const one = await worker({ RUNNER_KEY, ORCH_SECRET: "", ALLOW_HOSTS: host });
  await waitFor("its report", () => has(one, "runner is static"));
  const { id } = orchestrator.addStatic({
    label: "cellar",
    routing: "label",
    app: "live/video",
    capacity: 1,
    runnerUrl: `${one.server.url}/runner/${RUNNER_KEY}`,
    healthUrl: `${one.server.url}/health`,
  });
  await enginePid(one.server.url);
  const session = await orchestrator.reserve(id);
  const started = await session.post("/stream");
  expect([started.status, started.body.success]).toEqual([200, true]);
  expect((await session.post("/stop")).status).toBe(200);
  await waitFor("the release", () => orchestrator.session(session.id) === undefined);
  expect(orchestrator.calls.of("heartbeat")).toEqual([]);
});
