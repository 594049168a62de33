/** The output of a stream whose engine is gone: its readers are told. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { OutputChannel } from "../../src/engine/protocol/work.ts";
import { byocProtocol } from "../../src/server/protocols/byoc/byoc-protocol.ts";
import { CLOCK_DEFAULTS } from "../../src/server/streams/params.ts";
import { Stream } from "../../src/server/streams/stream.ts";
import { api, collect, enginePid } from "../support/live-stream.ts";
import { MAIN, startServer } from "../support/server-process.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(60_000);

function streamTo(output: OutputChannel): Stream {
  return new Stream({
    id: "a",
    protocol: byocProtocol(),
    channels: { stream_url: null, input_url: null },
    capability: null,
    spec: { output, container: "mpegts", segment_seconds: 1, audio: "none" },
    params: CLOCK_DEFAULTS,
    defaults: CLOCK_DEFAULTS,
  });
}

const checkpoint = (seq: number) =>
  ({
    type: "checkpoint",
    id: "a",
    checkpoint: { seq, pts: 0, size: { width: 64, height: 64 } },
  }) as const;

test("an owned channel is deleted, if it was opened", async () => {
  await using trickle = hostTrickle();
  for (const name of ["opened", "refused"]) await trickle.make(name, "video/mp4");
  const streams = ["opened", "refused"].map((name) =>
    streamTo({ endpoint: { url: trickle.url(name) }, lifecycle: "owned" }),
  );
  streams[0]?.receive({ type: "started", id: "a" });
  for (const stream of streams) stream.lost();
  await Promise.all(streams.map(({ released }) => released));
  const left = await Promise.all(
    ["opened", "refused"].map((name) => fetch(`${trickle.url(name)}/next`)),
  );
  expect(left.map(({ status }) => status)).toEqual([404, 200]);
});

test.each([
  ["given", 200],
  ["adopted", 404],
] as const)(
  "in a channel that is %s the readers of the open segment and of the next one come to an end",
  async (lifecycle, after) => {
    await using trickle = hostTrickle({ autoCreate: false });
    await trickle.make("out", "video/mp2t");
    const url = trickle.url("out");
    const died = new AbortController();
    const post = (seq: number, start: (body: ReadableStreamDefaultController) => void) =>
      void fetch(`${url}/${seq}`, {
        method: "POST",
        body: new ReadableStream({ start }),
        signal: died.signal,
      }).catch(() => {}); // the publisher dies
    post(4, (body) => body.enqueue(new TextEncoder().encode("begun")));
    const open = await fetch(`${url}/4`);
    post(5, () => {});
    const next = fetch(`${url}/5`);
    await waitFor("all four requests", () => trickle.pending() === 4);
    died.abort();
    const stream = streamTo({ endpoint: { url }, lifecycle });
    stream.receive({ type: "started", id: "a" });
    stream.receive(checkpoint(4));
    stream.lost();
    expect(await open.text()).toBe("begun");
    expect(await (await next).text()).toBe("");
    await stream.released;
    expect((await fetch(`${url}/next`)).status).toBe(after);
  },
);

/** A stream without input that publishes to a trickle server elsewhere; its engine is about to be gone. */
async function publishing(server: { readonly url: string }) {
  const trickle = hostTrickle();
  const pid = await enginePid(server.url);
  const body = { prompts: "x", model: "test-card", width: 64, height: 64 };
  const id = await api(server.url).start({ ...body, stream_url: trickle.url("out") });
  await waitFor("a segment", async () => (await api(server.url).stream(id)).stats.segments_out > 0);
  const reader = collect(trickle.url("out"), new AbortController().signal);
  return { trickle, pid, id, reader };
}

test.each<[string, NodeJS.Signals]>([
  ["hangs", "SIGSTOP"],
  ["has just died", "SIGKILL"],
])("a stream that is stopped while its engine %s has its channel deleted", async (_how, signal) => {
  await using server = await startServer(MAIN);
  const { trickle, pid, id, reader } = await publishing(server);
  await using _trickle = trickle;
  process.kill(pid, signal);
  await api(server.url).stop(id);
  await reader.ended;
  await waitFor("the channel to be gone", () => trickle.server.channels === 0, 8000);
  expect((await api(server.url).stream(id)).status).toBe("stopped");
});

test("on SIGTERM the channel of a stream whose engine hangs is deleted before the server exits", async () => {
  await using server = await startServer(MAIN, ["--grace", "2s"]);
  const { trickle, pid } = await publishing(server);
  await using _trickle = trickle;
  process.kill(pid, "SIGSTOP");
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  expect(trickle.server.channels).toBe(0);
});
