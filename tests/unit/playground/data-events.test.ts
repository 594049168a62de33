/** Tests how the playground reads a stream's data, against a server that cuts and breaks connections. */
import { expect, test } from "bun:test";
import {
  type DataEvent,
  dataEvents,
  followData,
  newestOf,
} from "../../../src/playground/data-events.ts";
import { waitFor } from "../../support/wait-for.ts";

const event = (seconds: number) => ({ seconds, model: "m", values: { n: [seconds] }, dropped: 0 });
const line = (value: object) => `data: ${JSON.stringify(value)}\n\n`;

test("events are read wherever the bytes are cut, comments and foreign lines left out", async () => {
  const grüße = { ...event(2), values: { labels: [{ label: "Grüße", score: 0.5 }] } };
  const text = `: waiting\n\n${line(event(1))}event: x\ndata: no json\n\ndata: 7\n\n${line(grüße)}`;
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 7, bytes.length]) {
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size)
          controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    expect(await Array.fromAsync(dataEvents(body))).toEqual([event(1), grüße]);
  }
});

test("a broken connection is opened again with the token, until the stream is gone", async () => {
  const tokens: (string | null)[] = [];
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ headers }) => {
      tokens.push(headers.get("authorization"));
      if (tokens.length === 2) return new Response("busy", { status: 503 });
      if (tokens.length === 4) return new Response("gone", { status: 404 });
      return new Response(line(event(tokens.length)));
    },
  });
  const events: DataEvent[] = [];
  await followData({
    url: String(server.url),
    token: () => "secret",
    signal: new AbortController().signal,
    onEvent: (one) => events.push(one),
    pauseMs: 1,
  });
  expect(events.map(({ seconds }) => seconds)).toEqual([1, 3]);
  expect(tokens).toEqual(Array.from({ length: 4 }, () => "Bearer secret"));
});

test("it ends at once when it is aborted, in the middle of a connection", async () => {
  const closed = Promise.withResolvers<void>();
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode(line(event(1)))),
          cancel: () => closed.resolve(),
        }),
      ),
  });
  const over = new AbortController();
  const onEvent = () => over.abort();
  await followData({ url: String(server.url), token: () => "", signal: over.signal, onEvent });
  await closed.promise;
});

test("of values that come too fast the newest is passed on, and the last one always", async () => {
  const used: number[] = [];
  const take = newestOf<number>(5, (value) => used.push(value));
  for (let n = 1; n <= 100; n++) take(n);
  await waitFor("the newest", async () => used.length > 0);
  take(101);
  await waitFor("the last", async () => used.length > 1);
  expect(used).toEqual([100, 101]);
});
