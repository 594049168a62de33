/** How streams end, and what is left of them: nothing. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { WITH_B_FRAMES } from "../support/clips.ts";
import { api, collect, enginePid, sendClip } from "../support/live-stream.ts";
import { readMp4 } from "../support/mp4-boxes.ts";
import { holdings } from "../support/process-holdings.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

/** A running stream of a clip, and the ends to pull. */
async function running(base: string, signal: AbortSignal) {
  const source = await WITH_B_FRAMES.open();
  const input_url = `${base}/trickle/in`;
  const stream_url = `${base}/trickle/out`;
  const sender = await sendClip(input_url, source.segments, { seconds: 30, signal });
  const { start, stream } = api(base);
  const id = await start({ stream_url, input_url, model: "edges" });
  const output = collect(stream_url, signal);
  await waitFor("a segment", async () => (await stream(id)).stats.segments_out >= 2);
  return { id, sender, output, input_url, stream_url };
}

test("a stream resumes soon after its engine was killed", async () => {
  await using server = await startServer(MAIN);
  const pid = await enginePid(server.url);
  const stop = new AbortController();
  const { id, output } = await running(server.url, stop.signal);
  const { stream, stop: stopStream } = api(server.url);

  process.kill(pid, "SIGKILL");
  const before = output.segments.length;
  await waitFor("two more whole segments", () => output.segments.length >= before + 3);
  const { status, stats } = await stream(id);
  expect(status).toBe("active");
  expect(stats.restarts).toBe(1);
  await stopStream(id);
  await output.ended;
  stop.abort();

  const times = output.segments.flatMap(({ bytes }) => {
    // The segment that was under way may be cut anywhere.
    try {
      return readMp4(bytes).fragments.flatMap(({ samples }) => samples.map(({ dts }) => dts));
    } catch {
      return [];
    }
  });
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  expect(Math.min(...gaps)).toBeGreaterThan(0);
  expect(Math.max(...gaps)).toBeLessThan(5 * 90_000);
});

test("an engine whose server is killed ends", async () => {
  await using server = await startServer(MAIN);
  const pid = await enginePid(server.url);
  server.kill("SIGKILL");
  await waitFor("the engine to be gone", () => !existsSync(`/proc/${pid}`), 5000);
});

/** On a connection of its own, which does not stay open. */
const remove = (url: string) => fetch(url, { method: "DELETE", keepalive: false });

const ENDINGS: Record<
  string,
  (stream: Awaited<ReturnType<typeof running>>, base: string) => Promise<unknown>
> = {
  "it is deleted": ({ id }, base) => api(base).stop(id),
  "its input ends": ({ sender }) => sender.end(),
  "its input is removed under it": ({ input_url }) => remove(input_url),
  "its output is removed under it": ({ stream_url }) => remove(stream_url),
  "its engine dies and it is deleted": async ({ id }, base) => {
    process.kill(await enginePid(base), "SIGKILL");
    await api(base).stop(id);
  },
};

test("a stream leaves nothing behind, however it ends", async () => {
  await using server = await startServer(MAIN);
  const { health, stream, start, stop: stopStream } = api(server.url);
  await enginePid(server.url);
  // A first stream loads the model, which stays.
  const first = await start({ stream_url: `${server.url}/trickle/warm`, model: "edges" });
  await waitFor("it runs", async () => (await stream(first)).stats.frames_out > 0);
  await stopStream(first);
  await waitFor("it is over", async () => (await health()).engines[0].live.streams === 0);

  for (const [ending, pull] of Object.entries(ENDINGS)) {
    const before = { server: holdings(server.pid), engine: holdings(await enginePid(server.url)) };
    const stop = new AbortController();
    const live = await running(server.url, stop.signal);
    await pull(live, server.url);
    await waitFor(
      `${ending}: the stream is over`,
      async () => !["active", "starting", "stopping"].includes((await stream(live.id)).status),
      5000,
    );
    stop.abort(); // the test's own connections
    await live.output.ended;
    await live.sender.end();
    await waitFor(
      `${ending}: nothing is left`,
      async () => {
        const [engine] = (await health()).engines;
        if (engine.state !== "ready" || !engine.live) return false;
        const { streams, frames, requests } = engine.live;
        if (streams + frames + requests > 0) return false;
        const now = { server: holdings(server.pid), engine: holdings(engine.pid) };
        return (
          now.server.sockets <= before.server.sockets &&
          now.server.children === before.server.children &&
          now.engine.sockets <= before.engine.sockets &&
          now.engine.children === before.engine.children
        );
      },
      5000,
    );
  }
});
