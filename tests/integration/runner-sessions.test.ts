/** The life of live-runner sessions, from the orchestrator's first call to its last (live-runner.md 3, 7). The engine is a fake. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type RunnerServer, runnerServer } from "../support/live-runner/runner-server.ts";
import { recordLogs } from "../support/log-records.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const NOTHING = { places: 0, held: 0 };

describe.each(["go-livepeer", "livepeer-node"] as const)("at %s", (dialect) => {
  test.concurrent("S4 a release, an id that is missing in an answer and a closed input each end a session once", async () => {
    await using running = await runnerServer({ dialect, env: { RUNNER_END_GRACE: "50ms" } });
    const { orchestrator, sessions } = running;
    const [released, missing, closed] = [
      await orchestrator.reserve(),
      await orchestrator.reserve(),
      await orchestrator.reserve(),
    ];
    for (const one of [released, missing, closed]) await one.post("/stream", { prompt: "x" });
    await orchestrator.release(released.id);
    orchestrator.sessionIds = (ids) => ids.filter((id) => id !== missing.id);
    await closed.post("/update", { prompt: "input ends" });
    await running.released(closed);
    await running.nothingInUse();
    // Whatever else is heard of them changes nothing.
    for (const { id } of [released, missing, closed]) sessions.released(id);
    sessions.reconcile([], performance.now());
    expect(running.outcomes()).toEqual([
      { status: "stopped", reason: "orchestrator_release" },
      { status: "stopped", reason: "orchestrator_release" },
      { status: "completed", reason: "input_ended" },
    ]);
    expect(running.callsOf("stop", closed)).toHaveLength(1);
    for (const one of [released, missing]) expect(running.callsOf("stop", one)).toEqual([]);
  });

  test.concurrent("S10 the first stop is answered before the release that would cut it, the second says so, and one release is sent", async () => {
    await using running = await runnerServer({ dialect });
    const session = await running.orchestrator.reserve();
    await session.post("/stream", { prompt: "x" });
    const answers = [await session.post("/stop", { reason: "over" }), await session.post("/stop")];
    expect(answers.map(({ status, body }) => [status, body.already_stopped])).toEqual([
      [200, false],
      [200, true],
    ]);
    await running.released(session);
    await running.nothingInUse();
    expect(running.callsOf("stop", session)).toHaveLength(1);
    expect(running.outcomes()).toEqual([{ status: "stopped", reason: "over" }]);
  });

  test("S16 a drain admits no new session, lets those that live end, releases the rest, and then unregisters", async () => {
    await using running = await runnerServer({ dialect });
    const { orchestrator } = running;
    const [ending, staying, reserved] = [
      await orchestrator.reserve(),
      await orchestrator.reserve(),
      await orchestrator.reserve(),
    ];
    await ending.post("/stream", { prompt: "x" });
    await staying.post("/stream", { prompt: "x" });
    await waitFor("the reservation is known", () => running.inUse().places === 3);
    const closed = running.close(900);
    // Of what the orchestrator still holds, one is on its way back.
    expect(running.sessions.offer()).toEqual({ capacity: 2, status: "ready" });
    await running.released(reserved);
    await waitFor("the offer shrinks", () => running.runner.offer.capacity === 2);
    expect(running.runner.offer.status).toBe("ready");
    expect((await ending.post("/stop")).body).toMatchObject({ already_stopped: false });
    expect((await staying.get("/session")).body.status).toBe("active");
    await running.released(staying);
    await closed;
    expect(orchestrator.registry.runners.size).toBe(0);
    const routes = orchestrator.calls.all.map(({ route }) => route);
    expect(routes.lastIndexOf("stop")).toBeLessThan(routes.indexOf("unregister"));
    expect(running.callsOf("stop", staying)).toHaveLength(1);
  });

  test.concurrent("a registration that is lost ends its sessions without a call", async () => {
    await using running = await runnerServer({ dialect });
    const { orchestrator } = running;
    const session = await orchestrator.reserve();
    await session.post("/stream", { prompt: "x" });
    await orchestrator.restart();
    await running.nothingInUse();
    expect(running.outcomes()).toEqual([{ status: "failed", reason: "registration_lost" }]);
    expect(running.callsOf("stop", session)).toEqual([]);
  });

  test.concurrent("calls through a proxy that hides the session id reach the session", async () => {
    await using running = await runnerServer({ dialect, env: { RUNNER_PROXY: "on" } });
    const session = await running.orchestrator.reserve();
    expect(session.appUrl).not.toContain(session.id);
    expect((await session.post("/stream", { prompt: "x" })).body.session).toBe(session.id);
    expect((await session.post("/stop")).status).toBe(200);
  });
});

test.concurrent("S2 the same session started twice, also at the same time, is one stream with the same channels", async () => {
  await using running = await runnerServer({ dialect: "livepeer-node" });
  const session = await running.orchestrator.reserve();
  const answers = await Promise.all([1, 2].map(() => session.post("/stream", { prompt: "x" })));
  answers.push(await session.post("/stream", { prompt: "y" }));
  const [first] = answers;
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  for (const { body } of answers)
    expect(body).toMatchObject({ session: session.id, in: first?.body.in, out: first?.body.out });
  expect(running.server.store.liveCount).toBe(1);
  expect(running.orchestrator.calls.of("channels")).toHaveLength(1);
});

test.concurrent("a session that is released while its channels are being made does not start", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const { orchestrator, server } = running;
  orchestrator.calls.fail("channels", { delayMs: 300 });
  const session = await orchestrator.reserve();
  const start = session.post("/stream", { prompt: "x" });
  await waitFor("the channels are asked for", () => orchestrator.calls.of("channels").length > 0);
  await orchestrator.release(session.id);
  expect(await start).toMatchObject({ status: 409, body: { error: { code: "invalid_state" } } });
  await running.nothingInUse();
  expect(server.store.liveCount).toBe(0);
  expect(running.outcomes()).toEqual([{ status: "stopped", reason: "orchestrator_release" }]);
});

test.concurrent("a stop that comes while the session starts stops it", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const { orchestrator, server } = running;
  orchestrator.calls.fail("channels", { delayMs: 300 });
  const session = await orchestrator.reserve();
  const start = session.post("/stream", { prompt: "x" });
  await waitFor("the channels are asked for", () => orchestrator.calls.of("channels").length > 0);
  const stop = await session.post("/stop");
  expect([(await start).status, stop.status, stop.body.already_stopped]).toEqual([200, 200, false]);
  await running.released(session);
  expect(server.store.liveCount).toBe(0);
});

test.concurrent("S3 of sessions side by side each call reaches its own", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const sessions = await Promise.all([1, 2, 3].map(() => running.orchestrator.reserve()));
  await Promise.all(sessions.map((one) => one.post("/stream", { model: "edges" })));
  await Promise.all(sessions.map((one, n) => one.post("/update", { strength: (n + 1) / 4 })));
  await sessions[1]?.post("/pause");
  const shown = await Promise.all(sessions.map((one) => one.get("/session")));
  expect(shown.map(({ body }) => [body.session, body.status, body.params.strength])).toEqual(
    sessions.map(({ id }, n) => [id, n === 1 ? "paused" : "active", (n + 1) / 4]),
  );
  const channels = shown.flatMap(({ body }) => [body.in, body.out]);
  expect(new Set(channels).size).toBe(6);
});

test.concurrent("S5 an id that is missing in the answer to a heartbeat that left before the session was known ends nothing", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const { orchestrator, sessions } = running;
  const askedAt = performance.now();
  const session = await orchestrator.reserve();
  await session.post("/stream", { prompt: "x" });
  sessions.reconcile([], askedAt);
  expect((await session.get("/session")).body.status).toBe("active");
  expect(sessions.ids).toEqual([session.id]);
});

test.concurrent("calls before the start are answered with 404, and calls after the end with 409", async () => {
  const env = { RUNNER_END_GRACE: "20s" };
  await using running = await runnerServer({ dialect: "livepeer-node", env });
  const session = await running.orchestrator.reserve();
  for (const path of ["/update", "/pause", "/resume", "/stop"])
    expect(await session.post(path)).toMatchObject({
      status: 404,
      body: { error: { code: "session_not_found" } },
    });
  await session.post("/stream", { prompt: "input ends" });
  await waitFor("the end", () => running.sessions.all[0]?.state === "ended");
  for (const path of ["/stream", "/update", "/pause", "/resume"])
    expect(await session.post(path)).toMatchObject({
      status: 409,
      body: { error: { code: "invalid_state", session_status: "completed" } },
    });
});

test.concurrent("a start with a bad field is refused before anything is asked of the orchestrator, and may be corrected", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const session = await running.orchestrator.reserve();
  const refused = await session.post("/stream", { model: "no such model" });
  expect(refused).toMatchObject({ status: 400, body: { error: { field: "model" } } });
  expect(running.orchestrator.calls.of("channels")).toEqual([]);
  expect((await session.post("/stream", { model: "edges" })).status).toBe(200);
  expect([...(running.orchestrator.session(session.id)?.channels.keys() ?? [])]).toEqual([
    "in",
    "out",
  ]);
  expect(running.inUse()).toEqual({ places: 1, held: 1 });
});

test("no line of the log names a session, its token, its channels or the key", async () => {
  await using logs = await recordLogs("info");
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const { orchestrator } = running;
  const session = await orchestrator.reserve();
  const { token = "" } = orchestrator.session(session.id) ?? {};
  const quoting = { status: 500, text: `${session.id} ${token}` };
  for (const route of ["stop", "channels"] as const) orchestrator.calls.fail(route, quoting);
  expect((await session.post("/stream", { prompt: "x" })).status).toBe(502);
  const { body } = await session.post("/stream", { prompt: "x" });
  await session.post("/stop", { reason: `see ${body.out}` });
  await running.released(session);
  const text = JSON.stringify(logs.all);
  const key = running.runnerUrl.split("/").at(-1) ?? "";
  for (const secret of [session.id, token, key, new URL(body.out).pathname])
    expect(text).not.toContain(secret);
});

describe("calls that are no session's", () => {
  const headers = (running: RunnerServer, changes: Record<string, string | null> = {}) => {
    const { orchestrator, runner } = running;
    const all: Record<string, string | null> = {
      "livepeer-runner-route": runner.id,
      "livepeer-session-id": "made-up",
      "livepeer-session-token": "made-up-token",
      "livepeer-session-control": `${orchestrator.url}/runner/${runner.id}/session/made-up`,
      ...changes,
    };
    return Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null),
    );
  };
  const post = (url: string, given: Record<string, string>) =>
    fetch(`${url}/stream`, { method: "POST", body: "{}", headers: given });

  test.concurrent("S1 without one of the four headers a call is a 400", async () => {
    await using running = await runnerServer({ dialect: "go-livepeer" });
    for (const name of Object.keys(headers(running))) {
      const answer = await post(running.runnerUrl, headers(running, { [name]: null }));
      expect([name, answer.status]).toEqual([name, 400]);
      expect(await answer.json()).toMatchObject({ error: { code: "missing_session_id" } });
    }
    expect(running.inUse()).toEqual(NOTHING);
  });

  test.concurrent("S1 a control URL of another origin is a 400, and nothing is sent there", async () => {
    await using running = await runnerServer({ dialect: "go-livepeer" });
    const calls: string[] = [];
    const foreign = Bun.serve({
      hostname: "localhost",
      port: 0,
      fetch: ({ url }) => {
        calls.push(url);
        return new Response();
      },
    });
    try {
      for (const control of [`http://localhost:${foreign.port}/runner/x/session/y`, "no URL"]) {
        const given = headers(running, { "livepeer-session-control": control });
        const answer = await post(running.runnerUrl, given);
        expect(answer.status).toBe(400);
        const { error } = (await answer.json()) as { error: { code: string; message: string } };
        expect(error.code).toBe("foreign_control_url");
        expect(error.message).not.toContain(String(foreign.port));
      }
      expect(calls).toEqual([]);
      expect(running.inUse()).toEqual(NOTHING);
    } finally {
      await foreign.stop(true);
    }
  });

  test.concurrent("S1 a wrong key is a 404", async () => {
    await using running = await runnerServer({ dialect: "go-livepeer" });
    const key = running.runnerUrl.split("/").at(-1) ?? "";
    for (const wrong of [`${key}x`, key.slice(1), "x"]) {
      const answer = await post(`${running.url}/runner/${wrong}`, headers(running));
      expect(answer.status).toBe(404);
    }
    expect(running.inUse()).toEqual(NOTHING);
  });

  test.concurrent("a session that the orchestrator does not list is dropped again", async () => {
    await using running = await runnerServer({ dialect: "livepeer-node" });
    const answer = await post(running.runnerUrl, headers(running));
    expect(answer.status).toBe(502); // the orchestrator makes no channels for it
    await running.nothingInUse();
    expect(running.outcomes()).toEqual([{ status: "stopped", reason: "orchestrator_release" }]);
  });
});
