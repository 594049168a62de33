/** Fallbacks of streams on a running server: what is refused, what viewers see while a stream is paused, and what is counted. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pngFile } from "../support/image-files.ts";
import { api, enginePid } from "../support/live-stream.ts";
import { OutputFrames } from "../support/output-frames.ts";
import { paint } from "../support/painted-picture.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const SIZE = { width: 64, height: 64 };
/** Luma of the workspace's picture, which the test card does not have all over. */
const GREY = 150;

let workspace: string;
let server: ServerProcess;
beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), "fallback-streams-"));
  const grey = Math.round(((GREY - 16) * 255) / 219);
  const picture = await pngFile(paint(SIZE, () => [grey, grey, grey]));
  await Bun.write(join(workspace, "fallbacks/grey.png"), picture);
  await Bun.write(join(workspace, "fallbacks/broken.png"), picture.subarray(0, 50));
  server = await startServer(MAIN, ["--workspace", workspace]);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(workspace, { recursive: true });
});

const card = { model: "test-card", ...SIZE, fps: 20, segment_seconds: 0.2 };
const channel = (name: string) => `${server.url}/trickle/${name}`;

/** Whether a decoded frame is the workspace's picture. */
const isGrey = ({ luma }: { readonly luma: Uint8Array }): boolean =>
  luma.every((value) => Math.abs(value - GREY) < 6);

async function refusal(path: string, body: object) {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as { message: string } };
}

test("a fallback that does not exist or cannot be decoded is refused, at the start and later", async () => {
  const { start, stop } = api(server.url);
  const running = await start({ ...card, stream_url: channel("refused") });
  for (const [fallback, why] of [
    ["gray", "available: default, passthrough, hold, broken, grey"],
    ["broken", "broken.png is an incomplete PNG"],
  ] as const) {
    for (const [path, body] of [
      ["/stream/start", { ...card, fallback, stream_url: channel("other") }],
      [`/stream/${running}/params`, { fallback }],
    ] as const) {
      const refused = await refusal(path, body);
      expect(refused).toMatchObject({
        status: 400,
        body: { code: "invalid_request", details: [{ field: "fallback" }] },
      });
      expect(refused.body.message).toContain(why);
    }
  }
  await stop(running);
});

test("a paused stream shows its picture, also in the engine that replaces a dead one, until it is resumed", async () => {
  const { start, stream, params, stop } = api(server.url);
  const pid = await enginePid(server.url);
  const id = await start({ ...card, fallback: "grey", stream_url: channel("paused") });
  expect((await stream(id)).params.fallback).toBe("grey");
  using output = new OutputFrames(channel("paused"));
  const frames = async (more = 10) => {
    const { count } = output;
    await waitFor("frames", () => output.count >= count + more);
  };
  await frames();
  await params(id, { paused: true });
  await frames(20);
  process.kill(pid, "SIGKILL");
  await waitFor("the next engine", async () => (await stream(id)).stats.restarts === 1);
  await frames();
  await params(id, { paused: false });
  await frames();
  const debug = await fetch(`${server.url}/stream/${id}/debug`);
  const { events } = (await debug.json()) as { events: { event: string; detail?: string }[] };
  await stop(id);
  await output.ended;

  // A busy machine may take longer to load the model than viewers wait.
  const all = (await output.decode()).map(isGrey);
  const shown = all.slice(all.indexOf(false));
  const runs = shown.filter((grey, at) => grey !== shown[at - 1]);
  expect(runs).toEqual([false, true, false]);
  const changes = events.filter(({ event }) => event === "showing").map(({ detail }) => detail);
  expect(changes.filter((change) => change !== "fallback: loading")).toEqual([
    "live",
    "paused",
    "paused",
    "live",
  ]);

  // Each engine's last second was reported, but for what the dead one did after its last report.
  const { stats } = await stream(id);
  expect(stats.frames_fallback).toBeGreaterThanOrEqual(10);
  expect(stats.frames_processed).toBeGreaterThanOrEqual(10);
  const made = stats.frames_processed + stats.frames_fallback;
  expect(made - stats.frames_out).toBeWithin(0, 5);
  expect(stats.megapixels_out).toBeCloseTo((stats.frames_out * 64 * 64) / 1e6, 5);
  expect(stats).toMatchObject({ errors: 0, consecutive_errors: 0 });
});
