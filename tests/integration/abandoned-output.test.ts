/** The output of a stream whose engine is gone: its readers are told. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { OutputChannel } from "../../src/engine/protocol/work.ts";
import { byocProtocol } from "../../src/server/protocols/byoc/byoc-protocol.ts";
import { CLOCK_DEFAULTS } from "../../src/server/streams/params.ts";
import { Stream } from "../../src/server/streams/stream.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

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
    checkpoint: { seq, pts: 0, at: Date.now(), size: { width: 64, height: 64 } },
  }) as const;

test("an owned channel is deleted, if it was opened", async () => {
  await using trickle = hostTrickle();
  for (const name of ["opened", "refused"]) await trickle.make(name, "video/mp4");
  const streams = ["opened", "refused"].map((name) =>
    streamTo({ endpoint: { url: trickle.url(name) }, lifecycle: "owned" }),
  );
  streams[0]?.receive({ type: "started", id: "a" });
  for (const stream of streams) stream.abandoned();
  await Promise.all(streams.map(({ ended }) => ended));
  const left = await Promise.all(
    ["opened", "refused"].map((name) => fetch(`${trickle.url(name)}/next`)),
  );
  expect(left.map(({ status }) => status)).toEqual([404, 200]);
});

test("in a given channel the readers of the open segment and of the next one come to an end", async () => {
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
  const stream = streamTo({ endpoint: { url }, lifecycle: "given" });
  stream.receive({ type: "started", id: "a" });
  stream.receive(checkpoint(4));
  stream.abandoned();
  expect(await open.text()).toBe("begun");
  expect(await (await next).text()).toBe("");
  await stream.ended;
  expect((await fetch(`${url}/next`)).status).toBe(200);
});
