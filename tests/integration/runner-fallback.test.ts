/** What a session shows while it is paused and while its model fails, through the real engine (live-runner.md 4.2, 4.3). */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { tsSegments } from "../support/clip.ts";
import { decodeMedia } from "../support/clip-reader.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import type { ClientSession } from "../support/live-runner/client-session.ts";
import { StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { collect, enginePid, sendClip } from "../support/live-stream.ts";
import { OnnxWorkspace } from "../support/onnx-workspace.ts";
import { PICKING, pickingModel } from "../support/picking-model.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const SIZE = { width: 160, height: 120 };
const FPS = 20;

let workspace: OnnxWorkspace;
let orchestrator: StandInOrchestrator;
let server: ServerProcess;
let segments: readonly Uint8Array[];
const stop = new AbortController();
const { signal } = stop;

beforeAll(async () => {
  workspace = await OnnxWorkspace.create();
  await workspace.add("pick", PICKING, pickingModel());
  orchestrator = await StandInOrchestrator.start({ dialect: "go-livepeer", intervalMs: 50 });
  server = await startServer(MAIN, ["--workspace", workspace.path], {
    ORCH_URL: orchestrator.url,
    ORCH_SECRET: orchestrator.secret,
    RUNNER_APP: "live-video-to-video/comfystream",
  });
  await enginePid(server.url);
  segments = tsSegments(await synthetic({ parts: [{ ...SIZE, frames: 300 }], fps: FPS, gop: FPS }));
  const runner = await orchestrator.registered();
  await waitFor("a runner that is ready", () => runner.offer.status === "ready");
});
afterAll(async () => {
  stop.abort();
  await server[Symbol.asyncDispose]();
  await orchestrator[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});

// biome-ignore lint/suspicious/noExplicitAny: tests access any member
const shownOf = async (session: ClientSession): Promise<any> =>
  (await session.get("/session")).body;

/** A session whose model draws. */
async function live() {
  const session = await orchestrator.reserve();
  const { body } = await session.post("/stream", { model: "pick", segment_seconds: 0.25 });
  const output = collect(body.out, signal);
  await sendClip(body.in, segments, { seconds: 14, signal });
  await waitFor("pictures of the model", async () => {
    const { output: shown, performance } = await shownOf(session);
    return shown === "live" && performance.frames_processed > 5;
  });
  const { compute, startup_s } = await shownOf(session);
  if (compute === "warm") expect(startup_s).toBe(0);
  else expect(startup_s).toBeWithin(0.001, 10);
  return { session, output };
}

test.concurrent("A4 a pause shows the fallback within 500 ms and costs no inference; a resume returns to live", async () => {
  const { session, output } = await live();
  const pausedAt = performance.now();
  expect((await session.post("/pause")).body).toMatchObject({ status: "paused" });
  await waitFor("the fallback", async () => (await shownOf(session)).output === "paused");
  expect(performance.now() - pausedAt).toBeLessThan(500);
  const before = (await shownOf(session)).performance;
  const segmentsBefore = output.segments.length;
  await waitFor("frames of the fallback", async () => {
    const { frames_fallback } = (await shownOf(session)).performance;
    return frames_fallback > before.frames_fallback + FPS / 2;
  });
  const during = (await shownOf(session)).performance;
  // The report of the frame that was under way when the pause came may still arrive.
  expect(during.frames_processed - before.frames_processed).toBeLessThan(5);
  await waitFor("a segment of the pause", () => output.segments.length > segmentsBefore + 1);
  const { video } = await decodeMedia(output.segments.at(-2)?.bytes ?? new Uint8Array());
  expect(video?.frames.every(({ corrupt }) => !corrupt)).toBeTrue();
  await session.post("/resume");
  await waitFor("the model again", async () => {
    const { output: shown, performance } = await shownOf(session);
    return shown === "live" && performance.frames_processed > during.frames_processed + 5;
  });
  const { body } = await session.post("/stop");
  expect(body.paused_s).toBeGreaterThan(0.4);
  expect(Math.abs(body.active_s + body.paused_s - body.duration_s)).toBeLessThan(0.1);
  expect(body.latency_s.p50).toBeGreaterThan(0);
  expect(body.megapixels).toBeGreaterThan(0.3);
});

test.concurrent("A5 a model that fails shows the fallback until it succeeds; its errors and the event are counted", async () => {
  const { session } = await live();
  await session.post("/update", { index: 9 });
  await waitFor("the failures", async () => {
    const { output, fallback_reason, performance } = await shownOf(session);
    return output === "fallback" && fallback_reason === "model_failed" && performance.errors > 3;
  });
  const failing = await shownOf(session);
  expect(failing.status).toBe("active");
  expect(failing.error).toContain("the run failed");
  expect(failing.performance.consecutive_errors).toBeGreaterThan(3);
  expect((await session.get("/status")).body.error).toBe(failing.error);
  await session.post("/update", { index: 1 });
  await waitFor("the model again", async () => {
    const { output, performance } = await shownOf(session);
    return output === "live" && performance.consecutive_errors === 0;
  });
  expect(await shownOf(session)).not.toHaveProperty("error");
  const { body } = await session.post("/stop");
  expect(body.errors).toBeGreaterThan(3);
  expect(body.frames_fallback).toBeGreaterThan(3);
  expect(body.fallback_s).toBeGreaterThan(0);
  const reasons = body.fallback_events.map(({ reason }: { reason: string }) => reason);
  expect(reasons.filter((reason: string) => reason === "model_failed")).toHaveLength(1);
});
