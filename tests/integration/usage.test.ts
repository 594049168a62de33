/** The usage log of a real server: its lines, and what is refused before it starts. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logId } from "../../src/log.ts";
import { api, enginePid } from "../support/live-stream.ts";
import { MAIN, runProgram, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

const FPS = 60;

test("every stream leaves a line in the usage log: deleted, after the death of its engine, and when the server stops", async () => {
  const folder = await mkdtemp(join(tmpdir(), "usage-"));
  const path = join(folder, "usage.jsonl");
  try {
    await using server = await startServer(MAIN, ["--usage-log", path]);
    const { start, stream, params, stop } = api(server.url);
    const pid = await enginePid(server.url);
    const size = { model: "edges", width: 128, height: 128, fps: FPS };
    const begin = (name: string) => start({ ...size, stream_url: `${server.url}/trickle/${name}` });
    const ids = await Promise.all([begin("one"), begin("two"), begin("three")] as const);
    const [first, second] = ids;
    const framesOf = async (id: string) => (await stream(id)).usage.frames_processed;
    await waitFor("frames", async () =>
      (await Promise.all(ids.map(framesOf))).every((n) => n > 10),
    );
    const begun = performance.now();
    await params(first, { paused: true });
    await waitFor("a pause", () => performance.now() - begun > 300);
    await params(first, { paused: false });
    const pausedMs = performance.now() - begun;
    process.kill(pid, "SIGKILL");
    await waitFor("the next engine", async () => (await stream(second)).stats.restarts === 1);
    const { usage } = await stop(first);
    expect(usage.ended_at).toBeString();
    await waitFor("its line", async () => (await linesOf(path)).length === 1);
    const before = await stream(second);
    await waitFor("frames again", async () => {
      const { frames_processed } = (await stream(second)).usage;
      return frames_processed > before.usage.frames_processed + 10;
    });
    await stop(second);
    server.kill("SIGTERM");
    expect(await server.exited).toBe(0);

    const lines = await linesOf(path);
    expect(lines.map(({ reason }) => reason)).toEqual(["deleted", "deleted", "server stopping"]);
    const [paused, killed, stopped] = lines;
    expect(paused).toEqual({
      stream: logId(first),
      protocol: "seed",
      capability: null,
      model: "edges",
      device: "cpu",
      width: 128,
      height: 128,
      status: "stopped",
      reason: "deleted",
      error: null,
      ...usage,
    });
    for (const line of lines) {
      expect(line.active_s + line.paused_s).toBeCloseTo(line.duration_s, 3);
      const seconds = (Date.parse(line.ended_at) - Date.parse(line.started_at)) / 1000;
      expect(Math.abs(line.duration_s - seconds)).toBeLessThan(0.1);
      expect(line.restarts).toBe(1);
      expect(line.fallback_s).toBeGreaterThan(0);
    }
    expect(Math.abs(paused.paused_s - pausedMs / 1000)).toBeLessThan(0.1);
    expect([killed.paused_s, stopped.paused_s]).toEqual([0, 0]);
    expect(killed.frames_processed).toBeGreaterThan(20);
    expect(killed.fallback_events.map(({ reason }: { reason: string }) => reason)).toContain(
      "engine_lost",
    );
    // It was live for as long as its frames lasted at least, before and after.
    expect(killed.active_s - killed.fallback_s).toBeGreaterThan(20 / FPS - 0.1);
    expect(killed.megapixels).toBeCloseTo((killed.frames_out * 128 * 128) / 1e6, 1);
    expect(killed.latency_s.p50).toBeGreaterThan(0);
    expect(killed.latency_s.p99).toBeGreaterThanOrEqual(killed.latency_s.p50);
    expect(ids.filter((id) => JSON.stringify(lines).includes(id))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a usage log that cannot be written is refused before the server listens", async () => {
  const { code, err } = await runProgram(MAIN, ["--usage-log", tmpdir()]);
  expect(code).toBe(2);
  expect(err).toContain(`USAGE_LOG names a file that cannot be written: ${tmpdir()} (EISDIR`);
  expect(err).not.toContain("listening");
});

// biome-ignore lint/suspicious/noExplicitAny: tests look into lines freely
const linesOf = async (path: string): Promise<any[]> =>
  (await Bun.file(path).text())
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
