/** How the page follows a channel of the embedded trickle server; the same fetch as in a browser. */
import { test } from "bun:test";
import { readChannel } from "../../src/playground/media/channel-reader.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

/** What is read, as it comes: `#seq` where a segment begins, then its text. */
function read(url: string, signal: AbortSignal) {
  const seen: string[] = [];
  const decoder = new TextDecoder();
  const run = async () => {
    for await (const event of readChannel(url, signal))
      seen.push(event.kind === "segment" ? `#${event.seq}` : decoder.decode(event.data));
  };
  return { seen, ended: run() };
}

const post = (url: string, seq: number, body: string | ReadableStream<Uint8Array>) =>
  fetch(`${url}/${seq}`, { method: "POST", body });

/** A segment that is written while it is read. */
function openSegment(url: string, seq: number) {
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const writer = body.writable.getWriter();
  const posted = post(url, seq, body.readable);
  posted.catch(() => {}); // some are left open until their server is gone
  const write = (text: string) => writer.write(new TextEncoder().encode(text));
  return { write, end: () => writer.close(), posted };
}

test("joins in the middle of the current segment and follows into the next", async () => {
  await using host = hostTrickle();
  const url = host.url("c");
  await post(url, 0, "old");
  const current = openSegment(url, 1);
  await current.write("a");
  await waitFor("the segment at the server", async () => {
    const next = await fetch(`${url}/next`);
    return (await next.text()) === "2";
  });
  const over = new AbortController();
  const { seen, ended } = read(url, over.signal);
  await waitFor("what was there", () => seen.length === 2);
  await current.write("b");
  await waitFor("what came", () => seen.join("") === "#1ab");
  await current.end();
  await post(url, 2, "c");
  await waitFor("the next", () => seen.join("") === "#1ab#2c");
  over.abort();
  await ended.catch(() => {});
});

test("ends with the channel, and where there is none", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const { signal } = new AbortController();
  await read(host.url("none"), signal).ended;
  const url = host.url("c");
  await fetch(url, { method: "POST" });
  const { ended } = read(url, signal);
  await waitFor("a waiting reader", () => host.pending() > 0);
  await fetch(url, { method: "DELETE" });
  await ended;
});

test("a publisher that begins anew after a segment it left open is followed", async () => {
  await using host = hostTrickle();
  const url = host.url("c");
  const left = openSegment(url, 0);
  await left.write("a");
  const over = new AbortController();
  const { seen, ended } = read(url, over.signal);
  await waitFor("the first", () => seen.join("") === "#0a");
  await post(url, 1, "b"); // without Lp-Trickle-Reset: segment 0 stays open
  await waitFor("the successor", () => seen.join("") === "#0a#1b");
  over.abort();
  await left.end();
  await ended.catch(() => {});
});

test("a publisher whose numbers begin anew is followed after a while", async () => {
  await using host = hostTrickle();
  const url = host.url("c");
  await post(url, 40, "a");
  const over = new AbortController();
  const { seen, ended } = read(url, over.signal);
  await waitFor("the first", () => seen.join("") === "#40a");
  await post(url, 0, "b");
  await post(url, 1, "c");
  await waitFor("the newest of the new", () => seen.join("").endsWith("#1c"));
  over.abort();
  await ended.catch(() => {});
});

test("segments that are gone are jumped over to the newest", async () => {
  await using host = hostTrickle();
  const url = host.url("c");
  const slow = openSegment(url, 0);
  await slow.write("a");
  const over = new AbortController();
  const { seen, ended } = read(url, over.signal);
  await waitFor("the first", () => seen.join("") === "#0a");
  await slow.end();
  for (let seq = 1; seq < 30; seq++) await post(url, seq, `${seq}`);
  await waitFor("the newest", () => seen.join("").endsWith("#2929"));
  over.abort();
  await ended.catch(() => {});
});
