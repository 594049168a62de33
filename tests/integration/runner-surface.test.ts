/** The app surface of a live runner: every route, field and object of live-runner.md 4.2 and 4.3. The engine is a fake. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { TSchema } from "@sinclair/typebox";
import { check } from "../../src/schema-check.ts";
import { ScopeAnswer } from "../../src/server/protocols/live-runner/app/scope.ts";
import {
  SessionObject,
  SessionStarted,
} from "../../src/server/protocols/live-runner/app/session-object.ts";
import { StatsAnswer } from "../../src/server/protocols/live-runner/app/stats-answer.ts";
import { StatusAnswer } from "../../src/server/protocols/live-runner/app/status-answer.ts";
import {
  SessionStopped,
  SessionUsage,
} from "../../src/server/protocols/live-runner/app/usage-record.ts";
import type { AppAnswer, ClientSession } from "../support/live-runner/client-session.ts";
import { type RunnerServer, runnerServer } from "../support/live-runner/runner-server.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

let running: RunnerServer;
const open: ClientSession[] = [];
beforeAll(async () => {
  running = await runnerServer({
    dialect: "go-livepeer",
    maxStreams: 8,
    env: { RUNNER_PRICE: "3.6", RUNNER_SEGMENT_SECONDS: "0.5" },
  });
});
afterEach(async () => {
  for (const session of open.splice(0)) await session.stop();
});
afterAll(() => running[Symbol.asyncDispose]());

async function reserve(): Promise<ClientSession> {
  const session = await running.orchestrator.reserve();
  open.push(session);
  return session;
}

async function started(body: object = {}): Promise<ClientSession> {
  const session = await reserve();
  expect(await session.post("/stream", body)).toMatchObject({ status: 200 });
  return session;
}

/** Waits for the engine's first figures. */
const measured = (session: ClientSession): Promise<void> =>
  waitFor("figures", async () => (await session.get("/stats")).body.input.frames_in > 0);

function expectAnswer({ status, body }: AppAnswer, schema: TSchema): void {
  expect({ status, faults: [...check(schema).Errors(body)] }).toEqual({ status: 200, faults: [] });
}

test.each(["/stream", "/echo", "/start_stream"])("A1 POST %s starts a session", async (path) => {
  const session = await reserve();
  const metadata = { room_id: "room:1", environment: "test" };
  const answer = await session.post(path, {
    model: "edges",
    strength: 0.5,
    width: 320,
    height: 240,
    metadata,
    events: true,
    colour: "red",
    input_url: "http://127.0.0.1:1/x",
  });
  expectAnswer(answer, SessionStarted);
  expect(answer.body).toMatchObject({
    success: true,
    session: session.id,
    status: "active",
    compute: "warm",
    startup_s: 0,
    estimated_startup_s: 0,
    pipeline: "comfystream",
    preset: null,
    fallback: "default",
    metadata,
    gpu_reserved: true,
    paused_s: 0,
    ignored: ["input_url", "colour"],
    params: { model: "edges", strength: 0.5, width: 320, height: 240 },
  });
  const { in: input, out, events, data, control } = answer.body;
  expect(new Set([input, out, events]).size).toBe(3);
  expect([data, control]).toEqual([undefined, undefined]);
  const [stream] = running.server.store.list("live").slice(-1);
  expect(stream?.spec).toMatchObject({
    container: "mpegts",
    segment_seconds: 0.5,
    audio: "auto",
    output: { lifecycle: "adopted" },
  });
  // Credentials of the session are in no list of the server.
  const list = JSON.stringify((await running.server.ask("GET", "/streams")).body);
  for (const secret of [session.id, input, out, events]) expect(list).not.toContain(secret);
});

test("A1 start fields may stand in params, echo's mode chooses the model, and audio and segment length are fixed", async () => {
  const session = await reserve();
  const body = { mode: "edges", radius: 9, params: { audio: false, segment_seconds: 0.25 } };
  const answer = await session.post("/echo", body);
  expect(answer.body).toMatchObject({ mode: "edges", radius: 9, params: { model: "edges" } });
  expect(answer.body.ignored).toEqual(["radius"]); // this model has none
  expect(running.server.store.list("live").at(-1)?.spec).toMatchObject({
    segment_seconds: 0.25,
    audio: "none",
  });
  const updated = await session.post("/update", { model: "restyle", audio: true });
  expect(updated.body).toMatchObject({ params: { model: "restyle" }, ignored: ["audio"] });
  expect(updated.body).not.toHaveProperty("mode");
});

test.each(["/update", "/update_stream"])("A1 POST %s changes a session", async (path) => {
  const session = await started({ prompt: "a cat", fps: 12 });
  const answer = await session.post(path, {
    negative_prompt: "rain",
    fallback: "hold",
    fps: null,
    bitrate: 1_000_000,
  });
  expectAnswer(answer, SessionObject);
  expect(answer.body).toMatchObject({
    fallback: "hold",
    params: { prompts: [{ prompt: "a cat", negative_prompt: "rain" }], bitrate: 1_000_000 },
  });
  expect(answer.body.params).not.toHaveProperty("fps");
});

test("A1 pause and resume may be repeated", async () => {
  const session = await started({ model: "edges" });
  for (const body of [{ reason: "break" }, {}, ""]) {
    const paused = await session.post("/pause", body);
    expectAnswer(paused, SessionObject);
    expect(paused.body).toMatchObject({ status: "paused", gpu_reserved: true });
  }
  for (const body of [{ reason: "on" }, {}]) {
    const resumed = await session.post("/resume", body);
    expectAnswer(resumed, SessionObject);
    expect(resumed.body.status).toBe("active");
  }
});

test("A1 a stop answers what the session used, also when it is repeated, and so does /session then", async () => {
  const session = await started({ model: "edges", metadata: { booking_id: "b-1" } });
  expectAnswer(await session.get("/session"), SessionObject);
  await measured(session);
  await session.post("/pause");
  const first = await session.post("/stop", { reason: "the show is over" });
  expectAnswer(first, SessionStopped);
  expect(first.body).toMatchObject({
    session: session.id,
    status: "stopped",
    reason: "the show is over",
    booking_id: "b-1",
    pipeline: "comfystream",
    compute_at_start: "warm",
    frames_in: 10,
    already_stopped: false,
    cost_estimate: { currency: "usd", basis: "hour" },
  });
  const { duration_s, active_s, paused_s, cost_estimate } = first.body;
  expect(Math.abs(active_s + paused_s - duration_s)).toBeLessThan(0.1);
  expect(cost_estimate.amount).toBeCloseTo(duration_s / 1000, 5);
  const { already_stopped, ...record } = (await session.post("/stop")).body;
  const { already_stopped: _, ...before } = first.body;
  expect(already_stopped).toBeTrue();
  expect(record).toEqual(before);
});

test("A1 a stop without a reason is the operator's, and /session answers the usage after it", async () => {
  // livepeer-node forwards no call of a released session; this asks the worker itself.
  const session = await started({ model: "edges" });
  const direct = await directCall(session);
  expect((await session.post("/stop")).body.reason).toBe("operator");
  const answer = await direct("GET", "/session");
  expectAnswer(answer, SessionUsage);
  expect(answer.body).toMatchObject({ status: "stopped", reason: "operator" });
});

test("A1 GET /status describes the model and the caller's own session", async () => {
  const [own, other] = [await started({ model: "painter" }), await started({ model: "edges" })];
  const answer = await own.get("/status");
  expectAnswer(answer, StatusAnswer);
  expect(answer.body).toMatchObject({
    compute: "warm",
    state: "ready",
    model_loaded: true,
    session: own.id,
    error: null,
    policy: "on-demand",
    presets: ["bold"],
    gpu: null,
    fallbacks: ["default", "passthrough", "hold"],
    pipeline: { name: "comfystream", app: "live-video-to-video/comfystream", model: "painter" },
    params: { strength: { type: "float", minimum: 0, maximum: 2 }, outline: { type: "bool" } },
  });
  // Sessions of other tests may be about to end.
  const { capacity, capacity_used } = answer.body;
  expect(capacity_used).toBeGreaterThanOrEqual(2);
  expect(capacity).toBeWithin(capacity_used, 9);
  expect(JSON.stringify(answer.body)).not.toContain(other.id);
  const asked = await own.get("/status?model=restyle");
  expect(asked.body.pipeline).toMatchObject({ model: "restyle" });
  const unknown = await own.get("/status?model=none");
  expect(unknown).toMatchObject({ status: 400, body: { error: { field: "model" } } });
  const direct = await fetch(`${running.runnerUrl}/status`);
  expect(await direct.json()).toMatchObject({ session: null });
});

test("A1 GET /stats adds the session and the figures of its media", async () => {
  const session = await started({ model: "edges", width: 320, height: 240 });
  await measured(session);
  const answer = await session.get("/stats");
  expectAnswer(answer, StatsAnswer);
  expect(answer.body).toMatchObject({
    session: { session: session.id, status: "active" },
    input: { input_fps: 30, frames_in: 10, bytes_in: 2000 },
    output: { output_fps: 30, frames_out: 10, bytes_out: 1000, width: 320, height: 240 },
  });
  const fresh = await (await reserve()).get("/stats");
  expect(fresh.body).toMatchObject({ session: null, input: null, output: null });
});

test.each(["/health", "/healthz"])("A1 GET %s is the server's", async (path) => {
  const answer = await fetch(`${running.runnerUrl}${path}`);
  expect(answer.status).toBe(200);
  const own = (await running.server.ask("GET", "/health")).body;
  expect(Object.keys((await answer.json()) as object)).toEqual(Object.keys(own));
});

test("A1 POST /scope starts a session for livepeer-gateway's start_scope", async () => {
  const session = await reserve();
  const answer = await session.post("/scope", {
    gateway_request_id: "g",
    stream_id: "s",
    model_id: "scope",
    params: { model: "edges", strength: 0.5, data: true },
  });
  expectAnswer(answer, ScopeAnswer);
  const shown = (await session.get("/session")).body;
  expect(shown.params).toMatchObject({ model: "edges", strength: 0.5 });
  expect(answer.body).toEqual({
    success: true,
    manifest_id: session.id,
    publish_url: shown.in,
    subscribe_url: shown.out,
    control_url: shown.control,
    events_url: shown.events,
    data_url: shown.data,
  });
  const quiet = await (await reserve()).post("/scope", { params: { events: false } });
  expect(quiet.body).not.toHaveProperty("events_url");
  expect(quiet.body).toHaveProperty("control_url");
});

test("A1 an update through the control channel is one of the session, with its fields", async () => {
  const session = await started({ prompt: "a cat", control: true, mode: "edges" });
  const { control } = (await session.get("/session")).body;
  const message = JSON.stringify({ negative_prompt: "rain", mode: "restyle" });
  await fetch(`${control}/0`, { method: "POST", body: message });
  const shown = async () => (await session.get("/session")).body;
  await waitFor("the update", async () => (await shown()).mode === "restyle");
  expect((await shown()).params).toMatchObject({
    model: "restyle",
    prompts: [{ prompt: "a cat", negative_prompt: "rain" }],
  });
});

test("A3 given parameters win over a preset, and a preset over the defaults; in an update it starts again from them", async () => {
  const session = await reserve();
  const body = { model: "painter", preset: "bold", strength: 0.5, outline: true };
  const { body: first } = await session.post("/stream", body);
  expect(first).toMatchObject({ preset: "bold" });
  expect(first.params).toMatchObject({ strength: 0.5, style: [0, 1], outline: true });
  const { body: second } = await session.post("/update", { preset: "bold" });
  expect(second.params).toMatchObject({ strength: 2, style: [0, 1] });
  expect(second.params).not.toHaveProperty("outline");
  const { body: third } = await session.post("/update", { outline: false });
  expect(third).toMatchObject({ preset: "bold", params: { strength: 2, outline: false } });
});

test("A1 the calls of a client pass CORS as elsewhere, HEAD answers as GET, and OpenAPI describes the routes", async () => {
  const { ask } = running.server;
  const path = new URL(running.runnerUrl).pathname;
  const asked = { origin: "https://app.example", "access-control-request-method": "POST" };
  const preflight = await ask("OPTIONS", `${path}/stream`, undefined, asked);
  expect(preflight.status).toBeLessThan(300);
  expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
  const head = await ask("HEAD", `${path}/status`);
  expect({ status: head.status, body: head.body }).toEqual({ status: 200, body: "" });
  const { paths } = (await ask("GET", "/openapi/json")).body;
  const described = Object.keys(paths).filter((one) => one.startsWith("/runner/"));
  expect(described.toSorted()).toEqual(
    [
      ...["health", "pause", "resume", "scope", "session", "stats", "status", "stop", "stream"],
      ...["update", "c/{capability}/"],
    ]
      .map((one) => `/runner/{key}/${one}`)
      .toSorted(),
  );
  const { post } = paths["/runner/{key}/stream"];
  expect(post.tags).toEqual(["runner"]);
  const fields = post.requestBody.content["application/json"].schema.properties;
  expect(fields).toHaveProperty("max_startup_s");
  expect(Object.keys(post.responses)).toEqual(
    expect.arrayContaining(["200", "400", "404", "409", "500", "502", "503"]),
  );
});

/** Calls the worker with the headers that the orchestrator sets for this session. */
async function directCall({ id }: ClientSession) {
  const reserved = running.orchestrator.session(id);
  const headers = {
    "livepeer-runner-route": running.runner.id,
    "livepeer-session-id": id,
    "livepeer-session-token": reserved?.token ?? "",
    "livepeer-session-control": `${running.orchestrator.runnerBase}/runner/${running.runner.id}/session/${id}`,
  };
  return async (method: string, path: string, body?: string): Promise<AppAnswer> => {
    const answer = await fetch(`${running.runnerUrl}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json(), tookMs: 0 };
  };
}
