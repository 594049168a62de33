/** Ours against go-livepeer's own trickle, each as server, publisher and subscriber. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { createChannel, deleteChannel } from "../../../src/trickle/client/channel-requests.ts";
import { readMessages } from "../../../src/trickle/client/message-reader.ts";
import { MessageWriter } from "../../../src/trickle/client/message-writer.ts";
import { TricklePublisher } from "../../../src/trickle/client/publisher.ts";
import { openRequests } from "../../../src/trickle/client/request.ts";
import {
  bytes,
  publisherTo,
  readSegments,
  type SeenSegment,
} from "../../support/trickle-channel.ts";
import { hostTrickle } from "../../support/trickle-host.ts";
import { waitFor } from "../../support/wait-for.ts";
import { buildGoPeer } from "./go-peer.ts";

const peer = buildGoPeer();
const interop = (name: string, body: () => Promise<void>, timeoutMs = 10_000): void =>
  peer.kind === "built"
    ? test(name, body, timeoutMs)
    : test.skip(`${name} (no Go peer: ${peer.why})`, body);
afterEach(() => waitFor("no request is left open", () => openRequests() === 0, 1000));
afterAll(() => {
  if (peer.kind === "built") peer.remove();
});

const all = { start: 0, maxLag: Number.POSITIVE_INFINITY };
const texts = ["zero", "one", "two", "three"];
const whole = texts.map((text, seq) => ({ seq, text, complete: true }));
const lines = texts.map((text, seq) => `${seq} ${text}`);

interop("ours publishes to a Go server, both kinds of reader get every segment", async () => {
  await using server = await goServer();
  const url = `${server.base}/ours`;
  const publisher = await publisherTo(url, { create: true });
  const ours = readSegments(url, texts.length, all);
  await using theirs = run("subscribe", url, String(texts.length));
  const writer = publisher.writable.getWriter();
  for (const [n, text] of texts.entries()) {
    await writer.write({ data: bytes(text.slice(0, 2)), first: true });
    await writer.write({ data: bytes(text.slice(2)), first: false, last: true });
    // In time, as media come: segments are POSTs on connections of their own, and one may overtake another.
    expect(await theirs.line()).toBe(lines[n] ?? "");
  }
  expect(await ours).toEqual(whole);
  await writer.close();
  await publisher.deleteChannel();
});

interop(
  "a Go publisher to our server, both kinds of reader get every segment and the end",
  async () => {
    await using host = hostTrickle();
    const url = host.url("theirs");
    await fetch(url, { method: "POST", headers: { "Expect-Content": "text/plain" } });
    const ours = readSegments(url, texts.length, all);
    await using theirs = run("subscribe", url, "100");
    await using publishing = run("publish", url, ...texts);
    expect(await ours).toEqual(whole);
    for (const line of lines) expect(await theirs.line()).toBe(line);
    publishing.finish();
    expect((await theirs.output()).at(-1)).toBe("end of stream");
  },
);

interop("a Go publisher to a Go server is read by us to the end of the channel", async () => {
  await using server = await goServer();
  const url = `${server.base}/go`;
  await fetch(url, { method: "POST" });
  await using publishing = run("publish", url, ...texts);
  const seen: SeenSegment[] = [];
  const reading = readSegments(url, undefined, all, seen);
  await waitFor("all is read", () => seen.length === texts.length);
  publishing.finish();
  expect(await reading).toEqual(whole);
});

interop(
  "a successor goes on at /next on a Go server and frees the readers of what was left open",
  async () => {
    await using server = await goServer();
    const url = `${server.base}/resumed`;
    await fetch(url, { method: "POST" });
    const gone = new AbortController();
    const body = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(bytes("left")) });
    const left = fetch(`${url}/0`, { method: "POST", body, signal: gone.signal }).catch(
      () => "gone",
    );
    const reader = readSegments(url, 2, all);
    await readSegmentStart(url);
    gone.abort();
    expect(await left).toBe("gone");
    const successor = await publisherTo(url, { resume: true });
    const writer = successor.writable.getWriter();
    await writer.write({ data: bytes("next"), first: true, last: true });
    expect(await reader).toEqual([
      { seq: 0, text: "left", complete: true },
      { seq: 1, text: "next", complete: true },
    ]);
    await writer.close();
  },
);

interop(
  "a preconnect outlives the Go server's 100 Continue after ten seconds, with TLS and without",
  async () => {
    await using plain = await goServer();
    await using secure = await goServer("tls");
    const urls = [plain, secure].map(({ base }) => `${base}/quiet`);
    const publishers = await Promise.all(urls.map((url) => publisherTo(url, { create: true })));
    await Bun.sleep(10_500);
    for (const [n, publisher] of publishers.entries()) {
      const writer = publisher.writable.getWriter();
      const reading = readSegments(urls[n] ?? "", 1, all);
      await writer.write({ data: bytes("late"), first: true });
      await writer.close();
      expect(await reading).toEqual([{ seq: 0, text: "late", complete: true }]);
    }
  },
  20_000,
);

interop(
  "a channel over TLS with a self-signed certificate behaves like one without TLS",
  async () => {
    await using server = await goServer("tls");
    expect(server.base).toStartWith("https:");
    const media = { url: `${server.base}/media`, address: "127.0.0.1" };
    const publisher = await TricklePublisher.open(media, {
      contentType: "video/MP2T",
      create: true,
      signal: new AbortController().signal,
    });
    const reading = readSegments(media.url, 3, all);
    const writer = publisher.writable.getWriter();
    const large = "x".repeat(3_000_000);
    for (const text of ["zero", large, "two"])
      await writer.write({ data: bytes(text), first: true });
    await writer.close();
    expect((await reading).map(({ text }) => text)).toEqual(["zero", large, "two"]);

    const events = { url: `${server.base}/events` };
    await createChannel(events, "application/json", AbortSignal.timeout(5000));
    const messages = new MessageWriter(events, { contentType: "application/json" });
    const reader = readMessages(events, { signal: AbortSignal.timeout(5000), maxBytes: 1000 });
    messages.send('{"n":1}');
    expect(await reader.next()).toMatchObject({ value: { kind: "text", text: '{"n":1}' } });
    messages.send('{"n":2}');
    expect(await reader.next()).toMatchObject({ value: { kind: "text", text: '{"n":2}' } });
    await messages.close(); // the server makes channels by itself: a POST after the end would make this one anew
    await deleteChannel(events);
    expect(await reader.next()).toEqual({ value: undefined, done: true });
  },
);

interop("empty segments keep a silent channel from being swept by a Go server (M5)", async () => {
  await using server = await goServer("sweeping");
  const [media, events, bare] = ["media", "events", "bare"].map((name) => `${server.base}/${name}`);
  for (const url of [media, events, bare]) await fetch(url ?? "", { method: "POST" });
  const [minuteMs, mediaUrl, eventsUrl] = [150, media ?? "", events ?? ""];
  const publisher = await publisherTo(mediaUrl, { emptySegmentMs: minuteMs });
  const messages = new MessageWriter(
    { url: eventsUrl },
    { contentType: "application/json", emptySegmentMs: minuteMs },
  );
  const [pictures, texts] = [readSegments(mediaUrl, 2, all), readSegments(eventsUrl, 1, all)];
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("before"), first: true });
  await Bun.sleep(7 * minuteMs);
  const statusOf = async (url = "") => (await fetch(`${url}/next`)).status;
  expect(await Promise.all([media, events, bare].map(statusOf))).toEqual([200, 200, 404]);
  await writer.write({ data: bytes("after"), first: true, last: true });
  messages.send("{}");
  expect((await pictures).map(({ text }) => text)).toEqual(["before", "after"]);
  expect((await texts).map(({ text }) => text)).toEqual(["{}"]);
  await writer.close();
  await messages.close();
});

/** Resolves when the channel's segment 0 has its first byte. */
async function readSegmentStart(url: string): Promise<void> {
  const answer = await fetch(`${url}/0`);
  await answer.body?.cancel();
}

async function goServer(...how: string[]) {
  const server = run("server", ...how);
  return { base: await server.line(), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** The Go peer as a child; it goes when the scope does. */
function run(...args: string[]) {
  if (peer.kind !== "built") throw new Error(peer.why);
  const child = Bun.spawn([peer.path, ...args], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  const output = child.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let pending = "";
  const line = async (): Promise<string> => {
    for (;;) {
      const end = pending.indexOf("\n");
      if (end >= 0) {
        const found = pending.slice(0, end);
        pending = pending.slice(end + 1);
        return found;
      }
      const { value, done } = await output.next();
      if (done) throw new Error(`${args[0]} ended after ${JSON.stringify(pending)}`);
      pending += value;
    }
  };
  return {
    line,
    async output(): Promise<string[]> {
      for (let part = await output.next(); !part.done; part = await output.next()) {
        pending += part.value;
      }
      return pending.trim().split("\n");
    },
    finish: () => void child.stdin.end(),
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
