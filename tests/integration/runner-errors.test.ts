/** Every error of live-runner.md 4.4, with its status and members. The engine is a fake. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { check } from "../../src/schema-check.ts";
import { RunnerErrorAnswer } from "../../src/server/protocols/live-runner/app/runner-errors.ts";
import type { AppAnswer, ClientSession } from "../support/live-runner/client-session.ts";
import { type RunnerServer, runnerServer } from "../support/live-runner/runner-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

let running: RunnerServer;
const open: ClientSession[] = [];
beforeAll(async () => {
  running = await runnerServer({ dialect: "go-livepeer" });
});
afterEach(async () => {
  for (const session of open.splice(0)) await session.stop();
  running.orchestrator.calls.clearFaults();
});
afterAll(() => running[Symbol.asyncDispose]());

async function reserve(): Promise<ClientSession> {
  // The places of sessions that an earlier test stopped come back with a heartbeat.
  const { runner } = running;
  await waitFor("a place is offered", () => runner.offer.capacity > runner.sessions.size);
  const session = await running.orchestrator.reserve();
  open.push(session);
  return session;
}

type Refused = Pick<AppAnswer, "status" | "body">;

/** The answer has the form of 4.4; returns its `error`. */
function expectError({ status, body }: Refused, want: number, code: string) {
  expect({ status, faults: [...check(RunnerErrorAnswer).Errors(body)] }).toEqual({
    status: want,
    faults: [],
  });
  expect(body).toMatchObject({ code, message: body.error.message, error: { code } });
  return body.error;
}

/** A call with the headers of an orchestrator, or others. */
async function direct(path: string, given: Record<string, string> = {}, init: RequestInit = {}) {
  const { orchestrator, runner, runnerUrl } = running;
  const headers = {
    "livepeer-runner-route": runner.id,
    "livepeer-session-id": "direct",
    "livepeer-session-token": "token",
    "livepeer-session-control": `${orchestrator.runnerBase}/runner/${runner.id}/session/direct`,
    ...given,
  };
  const kept = Object.entries(headers).filter(([, value]) => value !== "");
  const answer = await fetch(`${runnerUrl}${path}`, {
    method: "POST",
    headers: Object.fromEntries(kept),
    ...init,
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests access any member
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any };
}

test.each([
  ["{", "invalid_json", null],
  ["[]", "invalid_body", null],
  ["null", "invalid_body", null],
  [5, "invalid_body", null],
  [{ fps: 0 }, "invalid_param", "fps"],
  [{ params: { width: 63, height: 64 } }, "invalid_param", "width"],
  [{ model: "edges", strength: 9 }, "invalid_param", "strength"],
  [{ model: "none" }, "invalid_param", "model"],
  [{ mode: "robot" }, "invalid_param", "mode"],
  [{ idle_timeout_s: 90_000 }, "invalid_param", "idle_timeout_s"],
  [{ preset: "loud" }, "unknown_preset", "preset"],
  [{ model: "painter", params: { preset: "loud" } }, "unknown_preset", "preset"],
  [{ preset: 5 }, "invalid_param", "preset"],
  [{ fallback: "sunset" }, "unknown_fallback", "fallback"],
  [{ fallback: 5 }, "invalid_param", "fallback"],
  [{ metadata: { colour: "red" } }, "invalid_metadata", "metadata.colour"],
  [{ metadata: { room_id: "a b" } }, "invalid_metadata", "metadata.room_id"],
])("A1 the start %j is a 400, %s, and makes no channel", async (body, code, field) => {
  const session = await reserve();
  const error = expectError(await session.post("/stream", body), 400, code);
  expect(error.field).toBe(field);
  expect(running.callsOf("channels", session)).toEqual([]);
  // The place is still the session's.
  expect((await session.post("/stream", { model: "edges" })).status).toBe(200);
});

test.each([
  ["{", "invalid_json", null],
  ["[]", "invalid_body", null],
  ["null", "invalid_body", null],
  [{ fps: 61 }, "invalid_param", "fps"],
  [{ mode: "robot" }, "invalid_param", "mode"],
  [{ preset: "loud" }, "unknown_preset", "preset"],
  [{ fallback: "sunset" }, "unknown_fallback", "fallback"],
])("A1 the update %j is a 400, %s, and changes nothing", async (body, code, field) => {
  const session = await reserve();
  const { body: before } = await session.post("/stream", { model: "edges", strength: 0.5 });
  const error = expectError(await session.post("/update", body), 400, code);
  expect(error.field).toBe(field);
  const { params, preset } = (await session.get("/session")).body;
  expect({ params, preset }).toEqual({ params: before.params, preset: before.preset });
});

test.each(["/pause", "/resume", "/stop"])("A1 %s takes a reason and nothing else", async (path) => {
  const session = await reserve();
  await session.post("/stream", { model: "edges" });
  const unsupported = await session.post(path, { reason: "x", prompt: "a cat" });
  expect(expectError(unsupported, 400, "unsupported_param").field).toBe("prompt");
  const empty = await session.post(path, { reason: "" });
  expect(expectError(empty, 400, "invalid_param").field).toBe("reason");
  expect((await session.get("/session")).body.status).toBe("active");
});

test("S1 a wrong key is a 404 as an unknown route is, and says nothing of either", async () => {
  const { origin } = new URL(running.runnerUrl);
  const [wrong, unknown, bare, undecodable] = await Promise.all([
    fetch(`${origin}/runner/${"x".repeat(22)}/stream`, { method: "POST" }),
    fetch(`${running.runnerUrl}/nothing`, { method: "POST" }),
    fetch(running.runnerUrl, { method: "POST" }),
    fetch(`${running.runnerUrl}/%FF`, { method: "POST" }),
  ]);
  const bodies = await Promise.all([wrong, unknown, bare, undecodable].map((one) => one.json()));
  expect(bodies[1]).toEqual(bodies[0]);
  expect(bodies[2]).toEqual(bodies[0]);
  expect(bodies[3]).toEqual(bodies[0]);
  expectError({ status: wrong.status, body: bodies[0] }, 404, "not_found");
});

test("A1 what needs a started session is a 404 before the start", async () => {
  const session = await reserve();
  for (const path of ["/update", "/pause", "/resume", "/stop"])
    expectError(await session.post(path), 404, "session_not_found");
  expectError(await session.get("/session"), 404, "session_not_found");
});

test("A1 a wrong method is a 405 that names the right one", async () => {
  for (const [path, method, allow] of [
    ["/stream", "GET", "POST"],
    ["/update_stream", "DELETE", "POST"],
    ["/session", "POST", "GET, HEAD"],
    ["/healthz", "PUT", "GET, HEAD"],
  ] as const) {
    const answer = await direct(path, {}, { method });
    expect(expectError(answer, 405, "method_not_allowed").message).toContain(`allowed: ${allow}`);
    expect(answer.headers.get("allow")).toBe(allow);
  }
});

test("A1 a body that is too large is a 413", async () => {
  const body = JSON.stringify({ prompt: "x".repeat(13 * 1024 * 1024) });
  expectError(await direct("/stream", {}, { body }), 413, "body_too_large");
});

test("A1 a session that has ended is a 409 that says how", async () => {
  const session = await reserve();
  await session.post("/stream", { model: "edges" });
  await session.post("/stop");
  for (const path of ["/stream", "/update", "/pause", "/resume"]) {
    const error = expectError(await session.post(path), 409, "invalid_state");
    expect(error.session_status).toBe("stopped");
  }
});

test("A1 a model that cannot run is a 500 with its reason", async () => {
  const session = await reserve();
  await session.post("/stream", { model: "edges", prompt: "model edges failed" });
  await session.post("/stop");
  await running.server.scheduler.models.fresh();
  const failing = await reserve();
  const error = expectError(
    await failing.post("/stream", { model: "edges" }),
    500,
    "pipeline_error",
  );
  expect(error.message).toContain("made up");
  const healing = await reserve();
  await healing.post("/stream", { model: "restyle", prompt: "model edges ready" });
  await running.server.scheduler.models.fresh();
});

test("S14 channels that the orchestrator does not make are a 502, and the place is free for another session", async () => {
  const { orchestrator } = running;
  orchestrator.calls.fail("channels", { status: 500, times: 3 });
  const session = await reserve();
  const error = expectError(await session.post("/stream"), 502, "orchestrator_error");
  expect(error.message).not.toContain(session.id);
  orchestrator.calls.clearFaults();
  expect((await session.post("/stream")).status).toBe(200);
});

test("A1 a runner without a place is a 503 that says whether its model is loaded", async () => {
  await using full = await runnerServer({ dialect: "livepeer-node", maxStreams: 1 });
  const place = full.server.admission.take();
  const session = await full.orchestrator.reserve();
  const error = expectError(await session.post("/stream"), 503, "runner_unavailable");
  expect(error.compute).toBe("warm");
  place[Symbol.dispose]();
});

test("A2 a start is answered within 2 s however long its model loads, or is refused where that is too long", async () => {
  await using slow = await runnerServer({ dialect: "go-livepeer", engine: "loads for a minute" });
  const refused = await slow.orchestrator.reserve();
  const limited = await refused.post("/stream", { model: "slow", max_startup_s: 30 });
  const error = expectError(limited, 503, "startup_exceeds_limit");
  expect(error).toMatchObject({ compute: "cold", estimated_startup_s: 60, field: "max_startup_s" });
  expect(slow.callsOf("channels", refused)).toEqual([]);
  const accepted = await refused.post("/stream", { model: "slow", max_startup_s: 90 });
  expect(accepted.tookMs).toBeLessThan(2000);
  expect(accepted).toMatchObject({
    status: 200,
    body: { compute: "cold", startup_s: null, estimated_startup_s: 60, status: "active" },
  });
  const status = async () => (await refused.get("/status")).body;
  await waitFor("the load", async () => (await status()).compute === "loading");
  const body = await status();
  expect(body).toMatchObject({ state: "warming", model_loaded: false });
  expect(body.estimated_startup_s).toBeWithin(50, 60.001);
});
