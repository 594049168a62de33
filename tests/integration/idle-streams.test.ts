/** Runs a server with IDLE_TIMEOUT and sees which streams it ends. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { api } from "../support/live-stream.ts";
import { MAIN, type ServerProcess, startServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(30_000);

const IDLE_MS = 1500;

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer(MAIN, ["--idle-timeout", `${IDLE_MS}ms`]);
});
afterAll(async () => await server[Symbol.asyncDispose]());

const channel = (name: string) => `${server.url}/trickle/${name}`;
const card = { model: "test-card", width: 64, height: 64, fps: 5 };

/** Reads a channel to its end; `left` settles when it is over. */
function watch(name: string) {
  const leave = new AbortController();
  const read = async () => {
    for (let seq = -1; ; ) {
      const response = await fetch(`${channel(name)}/${seq}`, { signal: leave.signal });
      await response.arrayBuffer();
      if (response.headers.has("Lp-Trickle-Closed") || !response.ok) return;
      seq = Number(response.headers.get("Lp-Trickle-Seq")) + 1;
    }
  };
  return { leave: () => leave.abort(), left: read().catch(() => {}) };
}

test("a stream lives while somebody watches it, and ends in order when nobody does", async () => {
  const { start, stream } = api(server.url);
  const [watched, unwatched] = ["watched", "unwatched"];
  const seen = await start({ ...card, stream_url: channel(watched) });
  const viewer = watch(watched);
  const alone = await start({ ...card, stream_url: channel(unwatched) });
  await waitFor("the end", async () => (await stream(alone)).status === "stopped", 15_000);
  expect(await stream(alone)).not.toHaveProperty("error");
  expect((await stream(seen)).status).toBe("active");
  viewer.leave();
  await viewer.left;
  await waitFor("its end", async () => (await stream(seen)).status === "stopped", 15_000);
});

test("a stream whose input is silent ends, whoever watches it", async () => {
  const { start, stream } = api(server.url);
  await fetch(channel("silent"), { method: "POST", headers: { "Expect-Content": "video/mp2t" } });
  const id = await start({
    model: "identity",
    width: 64,
    height: 64,
    input_url: channel("silent"),
    stream_url: channel("shown"),
  });
  const viewer = watch("shown");
  await waitFor("the end", async () => (await stream(id)).status === "stopped", 15_000);
  await viewer.left; // its channel is gone
});
