/** Runs sessions through the real server and its engine, reserved at simulated orchestrators of both dialects (live-runner.md 3, 4). */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import { tsSegments } from "../support/clip.ts";
import { decodeMedia } from "../support/clip-reader.ts";
import { synthetic } from "../support/clip-synthetic.ts";
import type { DialectName } from "../support/live-runner/dialect.ts";
import { StandInOrchestrator } from "../support/live-runner/stand-in.ts";
import { collect, enginePid, sendClip } from "../support/live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const SIZE = { width: 160, height: 120 };
const GRACE_MS = 800;
const APP = "live-video-to-video/comfystream";

let orchestrators: Readonly<Record<DialectName, StandInOrchestrator>>;
let server: ServerProcess;
let segments: readonly Uint8Array[];
const stop = new AbortController();

beforeAll(async () => {
  const secret = "shared-secret";
  orchestrators = {
    "go-livepeer": await StandInOrchestrator.start({ dialect: "go-livepeer", secret }),
    "livepeer-node": await StandInOrchestrator.start({ dialect: "livepeer-node", secret }),
  };
  const urls = Object.values(orchestrators).map(({ url }) => url);
  server = await startServer(MAIN, ["--max-streams", "2", "--runner-end-grace", `${GRACE_MS}ms`], {
    ORCH_URL: urls.join(","),
    ORCH_SECRET: secret,
    RUNNER_APP: APP,
  });
  await enginePid(server.url);
  const media = await synthetic({ parts: [{ ...SIZE, frames: 240 }], fps: 20, gop: 20 });
  segments = tsSegments(media);
  for (const one of Object.values(orchestrators)) {
    const runner = await one.registered();
    await waitFor("a heartbeat that says ready", () => runner.offer.status === "ready");
  }
});

afterAll(async () => {
  stop.abort();
  await server[Symbol.asyncDispose]();
  for (const one of Object.values(orchestrators)) await one[Symbol.asyncDispose]();
});

describe.each(["go-livepeer", "livepeer-node"] as const)("at %s", (dialect) => {
  test("a client reserves, starts, changes, pauses, resumes and stops a session, and sees its video", async () => {
    const orchestrator = orchestrators[dialect];
    const session = await orchestrator.reserve();
    const body = { model: "edges", ...SIZE, events: true, data: true, control: true };
    const started = await session.post("/stream", body);
    expect(started).toMatchObject({ status: 200, body: { session: session.id, status: "active" } });
    expect(started.tookMs).toBeLessThan(2000);
    const { in: input, out, events, data, control } = started.body;
    expect(new Set([input, out, events, data, control]).size).toBe(5);
    const output = collect(out, stop.signal);
    const { signal } = stop;
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
    await waitFor("the release", () => orchestrator.session(session.id) === undefined);
    const stops = orchestrator.calls.of("stop").filter(({ path }) => path.includes(session.id));
    expect(stops).toHaveLength(1);
    await sender.sent.catch(() => {});
  });

  test("a session whose input is closed ends its output within 4 s, keeps its reservation for the grace, and is released", async () => {
    const orchestrator = orchestrators[dialect];
    const session = await orchestrator.reserve();
    const { body } = await session.post("/stream", { model: "edges", ...SIZE });
    const output = collect(body.out, stop.signal);
    const sender = await sendClip(body.in, segments, { seconds: 1.2, signal: stop.signal });
    await sender.sent;
    await sender.end();
    const closedAt = performance.now();
    await output.ended;
    expect(performance.now() - closedAt).toBeLessThan(4000);
    expect(orchestrator.session(session.id)).toBeDefined();
    await waitFor("the end of the session", async () => {
      return (await session.get("/session")).body.status === "completed";
    });
    await waitFor("the release", () => orchestrator.session(session.id) === undefined);
    expect(performance.now() - closedAt).toBeGreaterThan(GRACE_MS);
    const packets = output.segments.flatMap(({ bytes }) => new TsDemuxer().push(bytes, 0));
    expect(packets.filter(({ kind }) => kind === "video").length).toBeGreaterThan(10);
  });
});
