/** The usage record of sessions: one for every end, in answers and in RUNNER_USAGE_LOG (live-runner.md 4.3). */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "../../src/schema-check.ts";
import { UsageRecord } from "../../src/server/protocols/live-runner/app/usage-record.ts";
import type { ClientSession } from "../support/live-runner/client-session.ts";
import { type RunnerServer, runnerServer } from "../support/live-runner/runner-server.ts";
import { StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { FAKE_SERVER, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

/** Waits for the record of this session. Fails if there are several. */
async function recordOf({ server }: RunnerServer, { id }: ClientSession): Promise<UsageRecord> {
  const own = () => (server.usageRecords as UsageRecord[]).filter(({ session }) => session === id);
  await waitFor("the record", () => own().length > 0);
  const [record, ...more] = own();
  if (record === undefined || more.length > 0) throw new Error(`${own().length} records`);
  expect([...check(UsageRecord).Errors(record)]).toEqual([]);
  const { active_s, paused_s, duration_s, fallback_s } = record;
  expect(Math.abs(active_s + paused_s - duration_s)).toBeLessThan(0.1);
  expect(fallback_s).toBeLessThanOrEqual(active_s);
  return record;
}

test("A6 every way to end a session leaves one record, with what the session was started with", async () => {
  await using running = await runnerServer({
    dialect: "livepeer-node",
    maxStreams: 8,
    env: { RUNNER_UNUSED_TIMEOUT: "300ms", RUNNER_END_GRACE: "50ms" },
  });
  const { orchestrator } = running;
  const metadata = { room_id: "room:1", venue_id: "v", environment: "pilot", lyrics_overlay: true };
  const start = async (body: object = {}): Promise<ClientSession> => {
    const session = await orchestrator.reserve();
    await session.post("/stream", { model: "painter", preset: "bold", metadata, ...body });
    return session;
  };
  const unused = await orchestrator.reserve();
  const [stopped, released, idle, ended, broken, left] = [
    await start(),
    await start(),
    await start({ idle_timeout_s: 0.1 }),
    await start(),
    await start(),
    await start(),
  ];
  const answer = (await stopped.post("/stop", { reason: "over" })).body;
  await orchestrator.release(released.id);
  await ended.post("/update", { model: "restyle", prompt: "input ends" });
  await broken.post("/update", { model: "restyle", prompt: "lose output" });
  const records = {
    unused: await recordOf(running, unused),
    stopped: await recordOf(running, stopped),
    released: await recordOf(running, released),
    idle: await recordOf(running, idle),
    ended: await recordOf(running, ended),
    broken: await recordOf(running, broken),
  };
  await orchestrator.restart();
  const lost = await recordOf(running, left);
  const ends = Object.values({ ...records, lost });
  expect(ends.map(({ status, reason }) => `${status}: ${reason}`)).toEqual([
    "expired: unused",
    "stopped: over",
    "stopped: orchestrator_release",
    "expired: no_input",
    "completed: input_ended",
    "failed: output_lost",
    "failed: registration_lost",
  ]);
  for (const record of ends.slice(1)) {
    expect(record).toMatchObject({ ...metadata, preset: "bold", compute_at_start: "warm" });
    expect(record.started_at).not.toBeNull();
  }
  expect(records.unused).toMatchObject({ started_at: null, duration_s: 0, compute_at_start: null });
  expect(records.unused).not.toHaveProperty("room_id");
  const { already_stopped: _, success: __, ...shown } = answer;
  expect(shown).toEqual(records.stopped);
});

test("A6 a session's seconds are active or paused, and fallbacks are events of it", async () => {
  await using running = await runnerServer({ dialect: "go-livepeer" });
  const session = await running.orchestrator.reserve();
  await session.post("/stream", { prompt: "show fallback" });
  expect((await shownOf(session)).output).toBe("fallback");
  await waitFor("the failure", async () => {
    return (await shownOf(session)).fallback_reason === "model_failed";
  });
  await session.post("/update", { prompt: "show live" });
  await waitFor("the model", async () => (await shownOf(session)).output === "live");
  await session.post("/pause");
  const pausedAt = performance.now();
  await waitFor("some pause", () => performance.now() - pausedAt > 60);
  await session.post("/resume");
  const { body } = await session.post("/stop");
  expect(body.paused_s).toBeGreaterThanOrEqual(0.06);
  expect(Math.abs(body.active_s + body.paused_s - body.duration_s)).toBeLessThan(0.1);
  expect(body.fallback_s).toBeGreaterThan(0);
  expect(body.fallback_events.map(({ reason }: { reason: string }) => reason)).toEqual([
    "starting",
    "model_failed",
  ]);
  expect(await recordOf(running, session)).toMatchObject({ paused_s: body.paused_s });
});

test("A6 RUNNER_USAGE_LOG gets a line of JSON for every session, those that a shutdown ends among them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "usage-"));
  const path = join(folder, "sessions.jsonl");
  await using orchestrator = await StandInOrchestrator.start({
    dialect: "go-livepeer",
    intervalMs: 50,
  });
  await using server = await startServer(FAKE_SERVER, ["--grace", "300ms"], {
    ORCH_URL: orchestrator.url,
    ORCH_SECRET: orchestrator.secret,
    RUNNER_APP: "live-video-to-video/comfystream",
    RUNNER_USAGE_LOG: path,
    USAGE_LOG: join(folder, "streams.jsonl"),
    RUNNER_PRICE: "36",
    RUNNER_PRICE_UNIT: "fixed",
  });
  const runner = await orchestrator.registered();
  await waitFor("a runner that is ready", () => runner.offer.status === "ready");
  const [first, second] = [await orchestrator.reserve(), await orchestrator.reserve()];
  for (const session of [first, second])
    await session.post("/stream", { model: "edges", metadata: { booking_id: "b-1" } });
  await first.post("/stop", { reason: "a line\nbreak" });
  server.kill("SIGTERM");
  await server.exited;
  const text = await Bun.file(path).text();
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(text.endsWith("\n")).toBeTrue();
  const streams = (await Bun.file(join(folder, "streams.jsonl")).text()).trimEnd().split("\n");
  expect(streams.map((line) => JSON.parse(line).reason)).toEqual([
    "session ended: a line\nbreak",
    "session ended: shutdown",
  ]);
  expect(lines.map(({ session, reason }) => [session, reason])).toEqual([
    [first.id, "a line\nbreak"],
    [second.id, "shutdown"],
  ]);
  for (const line of lines) {
    expect([...check(UsageRecord).Errors(line)]).toEqual([]);
    expect(line).toMatchObject({
      booking_id: "b-1",
      cost_estimate: { amount: 36, currency: "usd", basis: "fixed" },
    });
  }
  await rm(folder, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: tests access any member
const shownOf = async (session: ClientSession): Promise<any> =>
  (await session.get("/session")).body;
