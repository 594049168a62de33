/** How live-runner sessions end and are released (live-runner.md 3.4, 7). The engine is a fake; test servers have short limits. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { runnerServer } from "../support/live-runner/runner-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

describe.each(["go-livepeer", "livepeer-node"] as const)("at %s", (dialect) => {
  test.concurrent("S6 a reservation that nobody starts is released by the client's route", async () => {
    const env = { RUNNER_UNUSED_TIMEOUT: "100ms" };
    await using running = await runnerServer({ dialect, env });
    const session = await running.orchestrator.reserve();
    await running.released(session);
    await running.nothingInUse();
    expect(running.outcomes()).toEqual([{ status: "expired", reason: "unused" }]);
    expect(running.callsOf("client-stop", session)).toHaveLength(1);
    expect(running.callsOf("stop", session)).toEqual([]);
  });

  test.concurrent("S11 a release is retried after failures, and the answer to an unknown session ends it", async () => {
    await using running = await runnerServer({ dialect });
    const { calls } = running.orchestrator;
    calls.fail("stop", { status: 500, times: 2 });
    calls.fail("stop", { status: 404 });
    const session = await running.orchestrator.reserve();
    await session.post("/stream", { prompt: "x" });
    await session.post("/stop");
    await running.nothingInUse();
    expect(calls.of("stop").map(({ status }) => status)).toEqual([500, 500, 404]);
  });
});

test.concurrent("a static runner learns its sessions from calls, and releases those that end by themselves", async () => {
  const env = {
    RUNNER_KEY: "a-key-of-22-characters",
    RUNNER_END_GRACE: "50ms",
    RUNNER_IDLE_TIMEOUT: "2s",
  };
  await using running = await runnerServer({ dialect: "livepeer-node", env });
  const [closed, silent, stopped] = [
    await running.orchestrator.reserve(),
    await running.orchestrator.reserve(),
    await running.orchestrator.reserve(),
  ];
  expect(running.inUse()).toEqual({ places: 0, held: 0 });
  await closed.post("/stream", { prompt: "input ends" });
  await silent.post("/stream", { prompt: "x", idle_timeout_s: 0.1 });
  await stopped.post("/stream", { prompt: "x" });
  await stopped.post("/stop", { reason: "over" });
  for (const session of [closed, silent, stopped]) {
    await running.released(session);
    expect(running.callsOf("stop", session)).toHaveLength(1);
  }
  await running.nothingInUse();
  expect(running.outcomes().map((outcome) => outcome?.reason)).toEqual([
    "input_ended",
    "no_input",
    "over",
  ]);
});

test.concurrent("S7 S8 a session without an input byte is released when its own idle time has passed, and its place is free", async () => {
  const env = { RUNNER_IDLE_TIMEOUT: "2s" };
  await using running = await runnerServer({ dialect: "livepeer-node", env, maxStreams: 1 });
  const { orchestrator } = running;
  const session = await orchestrator.reserve();
  await session.post("/stream", { prompt: "x", idle_timeout_s: 0.1 });
  await running.released(session);
  await running.nothingInUse();
  expect(running.outcomes()).toEqual([{ status: "expired", reason: "no_input" }]);
  await running.beats();
  const next = await orchestrator.reserve();
  expect((await next.post("/stream", { prompt: "x" })).status).toBe(200);
});

test.concurrent("a session without an idle time of its own ends at RUNNER_IDLE_TIMEOUT", async () => {
  const env = { RUNNER_IDLE_TIMEOUT: "100ms" };
  await using running = await runnerServer({ dialect: "go-livepeer", env });
  const session = await running.orchestrator.reserve();
  await session.post("/stream", { prompt: "x" });
  await running.released(session);
  expect(running.outcomes()).toEqual([{ status: "expired", reason: "no_input" }]);
});

test.concurrent("a session ends when it has lasted RUNNER_MAX_SESSION", async () => {
  const env = { RUNNER_MAX_SESSION: "100ms" };
  await using running = await runnerServer({ dialect: "go-livepeer", env });
  const session = await running.orchestrator.reserve();
  await session.post("/stream", { prompt: "x" });
  await running.released(session);
  expect(running.outcomes()).toEqual([{ status: "expired", reason: "max_session" }]);
});

test.concurrent("a session whose output is lost has failed and is released", async () => {
  await using running = await runnerServer({ dialect: "livepeer-node" });
  const session = await running.orchestrator.reserve();
  await session.post("/stream", { prompt: "lose output" });
  await running.released(session);
  await running.nothingInUse();
  expect(running.outcomes()).toEqual([{ status: "failed", reason: "output_lost" }]);
});

test.concurrent.each(["lose output", "both end"])(
  "a release that the stream notices first, by its channels (%s), is a release",
  async (command) => {
    const options = { dialect: "go-livepeer", orchestrator: { intervalMs: 60_000 } } as const;
    await using running = await runnerServer(options);
    const { orchestrator, server } = running;
    const session = await orchestrator.reserve();
    await session.post("/stream", { prompt: "x" });
    await running.runner.o2r?.close();
    await orchestrator.release(session.id);
    const [stream] = server.store.list("live");
    await server.ask("POST", `/stream/${stream?.id}/params`, { prompt: command });
    await running.nothingInUse();
    expect(running.outcomes()).toEqual([{ status: "stopped", reason: "orchestrator_release" }]);
    expect(running.callsOf("stop", session)).toEqual([]);
  },
);

test.concurrent("a static runner takes an input that ends with its output for a release", async () => {
  const env = { RUNNER_KEY: "a-key-of-22-characters" };
  await using running = await runnerServer({ dialect: "livepeer-node", env });
  const session = await running.orchestrator.reserve();
  await session.post("/stream", { prompt: "both end" });
  await running.nothingInUse();
  expect(running.outcomes()).toEqual([{ status: "stopped", reason: "orchestrator_release" }]);
});

test.concurrent("a session that fails by its input keeps its reservation for the grace, so that its client can read why", async () => {
  const env = { RUNNER_END_GRACE: "900ms" };
  await using running = await runnerServer({ dialect: "livepeer-node", env });
  const session = await running.orchestrator.reserve();
  await session.post("/stream", { prompt: "bad media" });
  await waitFor("the end", () => running.sessions.all[0]?.state === "ended");
  expect(running.inUse()).toEqual({ places: 0, held: 1 });
  const record = { status: "failed", reason: "unsupported_media" };
  expect((await session.get("/session")).body).toMatchObject(record);
  expect((await session.post("/stop")).body).toMatchObject({ ...record, already_stopped: true });
  await running.released(session);
  expect(running.callsOf("stop", session)).toHaveLength(1);
});

test.concurrent("a session whose stream the operator stops is released", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const session = await running.orchestrator.reserve();
  await session.post("/stream", { prompt: "x" });
  const [stream] = running.server.store.list("live");
  await running.server.ask("DELETE", `/stream/${stream?.id}`);
  await running.released(session);
  expect(running.outcomes()).toEqual([{ status: "stopped", reason: "operator" }]);
});

test.concurrent("S9 a session whose input is closed gives back its place and keeps its reservation for the grace", async () => {
  const env = { RUNNER_END_GRACE: "900ms" };
  await using running = await runnerServer({ dialect: "livepeer-node", env });
  const session = await running.orchestrator.reserve();
  await session.post("/stream", { prompt: "input ends" });
  await waitFor("the end", () => running.sessions.all[0]?.state === "ended");
  const endedAt = performance.now();
  expect(running.inUse()).toEqual({ places: 0, held: 1 });
  expect((await session.post("/stop")).body).toMatchObject({ already_stopped: true });
  expect((await session.get("/session")).body.status).toBe("completed");
  await running.released(session);
  expect(performance.now() - endedAt).toBeGreaterThan(600);
  expect(running.callsOf("stop", session)).toHaveLength(1);
});

test.concurrent("S11 a release whose retries are used up is tried again while the orchestrator lists the session", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  running.orchestrator.calls.fail("stop", { status: 500, times: 6 });
  const session = await running.orchestrator.reserve();
  await session.post("/stream", { prompt: "x" });
  await session.post("/stop");
  await running.released(session);
  await running.nothingInUse();
  expect(running.callsOf("stop", session).length).toBe(7);
});
