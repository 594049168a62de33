/** Runs sessions through the real server and its engine, reserved at simulated orchestrators of both dialects (live-runner.md 3, 4). */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import { tsSegments } from "../support/clip.ts";
import { decodeMedia } from "../support/clip-reader.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import { StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { collect, enginePid, sendClip } from "../support/live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const SIZE = { width: 160, height: 120 };
const GRACE_MS = 500;
const START = { model: "edges", ...SIZE, segment_seconds: 0.25 };

let orchestrators: readonly StandInOrchestrator[];
let server: ServerProcess;
const log: { readonly message?: string; readonly status?: string }[] = [];
let segments: readonly Uint8Array[];
const stop = new AbortController();
const { signal } = stop;

beforeAll(async () => {
  const secret = "shared-secret";
  const options = { secret, intervalMs: 100 };
  orchestrators = [
    await StandInOrchestrator.start({ ...options, dialect: "go-livepeer" }),
    await StandInOrchestrator.start({ ...options, dialect: "livepeer-node" }),
  ];
  const flags = ["--max-streams", "2", "--runner-end-grace", `${GRACE_MS}ms`];
  const env = {
    ORCH_URL: orchestrators.map(({ url }) => url).join(","),
    ORCH_SECRET: secret,
    RUNNER_APP: "live-video-to-video/comfystream",
  };
  server = await startServer(MAIN, flags, env, (line) => log.push(JSON.parse(line)));
  await enginePid(server.url);
  segments = tsSegments(await synthetic({ parts: [{ ...SIZE, frames: 240 }], fps: 20, gop: 5 }));
  for (const one of orchestrators) {
    const runner = await one.registered();
    await waitFor("a heartbeat that says ready", () => runner.offer.status === "ready");
  }
});

afterAll(async () => {
  stop.abort();
  await server[Symbol.asyncDispose]();
  for (const one of orchestrators) await one[Symbol.asyncDispose]();
});

/** Does the same at each orchestrator, at the same time: the worker serves them side by side. */
const atEach = (journey: (orchestrator: StandInOrchestrator) => Promise<void>) =>
  Promise.all(orchestrators.map(journey));

/** Sessions that have ended so, as the log has it. */
const ends = (status: string): number =>
  log.filter((line) => line.message === "session ended" && line.status === status).length;

const released = (orchestrator: StandInOrchestrator, { id }: { readonly id: string }) =>
  waitFor("the release", () => orchestrator.session(id) === undefined);

test("a client reserves, starts, changes, pauses, resumes and stops a session, and sees its video", async () => {
  await atEach(async (orchestrator) => {
    const session = await orchestrator.reserve();
    const body = { ...START, events: true, data: true, control: true };
    const started = await session.post("/stream", body);
    expect(started).toMatchObject({ status: 200, body: { session: session.id, status: "active" } });
    expect(started.tookMs).toBeLessThan(2000);
    const { in: input, out, events, data, control } = started.body;
    expect(new Set([input, out, events, data, control]).size).toBe(5);
    const output = collect(out, signal);
    const sender = await sendClip(input, segments, { seconds: 12, signal });
    await waitFor("a segment of the output", () => output.segments.length > 0);
    const { video } = await decodeMedia(output.segments[0]?.bytes ?? new Uint8Array());
    expect(video?.frames[0]).toMatchObject({ ...SIZE, corrupt: false });

    const again = await session.post("/stream", body);
    expect(again.body).toMatchObject({ in: input, out });
    const updated = await session.post("/update", { model: "identity" });
    expect(updated.body.params).toMatchObject({ model: "identity" });
    expect((await session.post("/pause", { reason: "break" })).body.status).toBe("paused");
    expect((await session.get("/session")).body.status).toBe("paused");
    expect((await session.post("/resume")).body.status).toBe("active");
    const stopped = await session.post("/stop", { reason: "show is over" });
    expect(stopped).toMatchObject({ status: 200, body: { already_stopped: false } });
    await output.ended;
    await released(orchestrator, session);
    await sender.sent.catch(() => {});
  });
});

test("a session whose input is closed ends its output within 4 s, keeps its reservation for the grace, and is released", async () => {
  await atEach(async (orchestrator) => {
    const session = await orchestrator.reserve();
    const { body } = await session.post("/stream", START);
    const output = collect(body.out, signal);
    const sender = await sendClip(body.in, segments, { seconds: 1.2, signal });
    await sender.sent;
    await sender.end();
    const closedAt = performance.now();
    await output.ended;
    expect(performance.now() - closedAt).toBeLessThan(4000);
    expect(orchestrator.session(session.id)).toBeDefined();
    await released(orchestrator, session);
    expect(performance.now() - closedAt).toBeGreaterThan(GRACE_MS);
    const packets = output.segments.flatMap(({ bytes }) => new TsDemuxer().push(bytes, 0));
    expect(packets.filter(({ kind }) => kind === "video").length).toBeGreaterThan(10);
  });
});

test("trickle that has no place for a while ends no session, which holds at most 2 requests a channel (M4)", async () => {
  await atEach(async (orchestrator) => {
    const session = await orchestrator.reserve();
    const { body } = await session.post("/stream", START);
    const output = collect(body.out, signal);
    const sender = await sendClip(body.in, segments, { seconds: 12, signal });
    const { trickle } = orchestrator;
    await waitFor("a segment of the output", () => output.segments.length > 0);
    const refused = trickle.refused;
    trickle.unavailable = true;
    await waitFor("some refusals", () => trickle.refused >= refused + 8);
    trickle.unavailable = false;
    const before = output.segments.length;
    await waitFor("more of the output", () => output.segments.length > before + 1);
    expect((await session.get("/session")).body.status).toBe("active");
    const open = (url: string) => trickle.peak(url.split("/").at(-1) ?? "");
    // The client holds as many at the other end of each.
    expect(open(body.in)).toEqual({ GET: 2, POST: 2 });
    expect(open(body.out)).toEqual({ GET: 2, POST: 2 });
    await session.post("/stop");
    await output.ended;
    await released(orchestrator, session);
    await sender.sent.catch(() => {});
  });
});

test("a session whose output is closed by somebody else has failed, and is released", async () => {
  const failedBefore = ends("failed");
  await atEach(async (orchestrator) => {
    const session = await orchestrator.reserve();
    const { body } = await session.post("/stream", START);
    const sender = await sendClip(body.in, segments, { seconds: 12, signal });
    const output = collect(body.out, signal);
    await waitFor("a segment of the output", () => output.segments.length > 0);
    await orchestrator.closeChannel(session.id, "out");
    await released(orchestrator, session);
    await sender.sent.catch(() => {});
  });
  await waitFor(
    "both ends in the log",
    () => ends("failed") === failedBefore + orchestrators.length,
  );
});
