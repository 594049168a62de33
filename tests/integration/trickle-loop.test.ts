/** Our publisher and subscriber against our server, over sockets. */
import { afterEach, expect, test } from "bun:test";
import { openRequests } from "../../src/trickle/client/request.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { bytes, publisherTo, readSegments, type SeenSegment } from "../support/trickle-channel.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

afterEach(() => waitFor("no request is left open", () => openRequests() === 0));

test("segments arrive whole, in order and with their numbers, and the end of the channel ends the stream", async () => {
  await using host = hostTrickle();
  const url = host.url("a");
  const publisher = await publisherTo(url, { create: true });
  const seen: SeenSegment[] = [];
  const whole = { start: 0, maxLag: Number.POSITIVE_INFINITY };
  const reading = readSegments(url, undefined, whole, seen);
  const writer = publisher.writable.getWriter();
  for (let n = 0; n < 20; n++) {
    await writer.write({ data: bytes(`${n}:`), first: true });
    await writer.write({ data: bytes("rest"), first: false, last: true });
    await waitFor("the reader follows", () => seen.length >= n - 1);
  }
  await waitFor("all is read", () => seen.length === 20);
  await publisher.deleteChannel();
  await reading;
  expect(seen.map(({ text }) => text)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}:rest`));
  expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(publisher.stats).toEqual({ segments: 20, segmentsSkipped: 0, bytes: 130 });
  expect(await publisher.ended).toEqual({ kind: "closed_by_peer" });
  await expect(writer.write({ data: bytes("x"), first: true })).rejects.toThrow("other side");
});

test("a chunk reaches the reader while its segment is still open", async () => {
  await using host = hostTrickle();
  const url = host.url("live");
  const publisher = await publisherTo(url, { create: true });
  const stop = new AbortController();
  const reader = subscribe({ url }, { signal: stop.signal }).getReader();
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("one"), first: true });
  expect((await reader.read()).value).toMatchObject({ seq: 0, first: true, last: false });
  await writer.write({ data: bytes("two"), first: false });
  expect((await reader.read()).value).toMatchObject({ seq: 0, first: false, last: false });
  await writer.write({ data: bytes("end"), first: false, last: true });
  expect((await reader.read()).value).toMatchObject({ seq: 0, last: false });
  expect((await reader.read()).value).toMatchObject({ seq: 0, last: true, complete: true });
  stop.abort(new Error("enough"));
  await expect(reader.read()).rejects.toThrow("enough");
  await publisher.close();
});

test("closing ends the running segment; a successor continues the channel after it", async () => {
  await using host = hostTrickle();
  const url = host.url("b");
  const first = await publisherTo(url, { create: true });
  const writer = first.writable.getWriter();
  await writer.write({ data: bytes("one"), first: true });
  await writer.close();
  expect(await first.ended).toEqual({ kind: "finished" });
  const begun: number[] = [];
  const second = await publisherTo(url, {
    resume: true,
    observer: { segmentStarted: (seq) => begun.push(seq) },
  });
  const again = second.writable.getWriter();
  await again.write({ data: bytes("two"), first: true });
  await again.close();
  expect(begun).toEqual([2]);
  expect(await readSegments(url, 2, { start: 0, maxLag: Number.POSITIVE_INFINITY })).toEqual([
    { seq: 0, text: "one", complete: true },
    { seq: 2, text: "two", complete: true },
  ]);
});

test("aborting ends the running segment for its readers", async () => {
  await using host = hostTrickle();
  const url = host.url("c");
  const stop = new AbortController();
  const publisher = await publisherTo(url, { create: true, signal: stop.signal });
  const reading = readSegments(url, 1);
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("half"), first: true });
  await waitFor("the bytes are there", () => host.server.bytes > 0);
  stop.abort(new Error("stop it"));
  expect(await reading).toEqual([{ seq: 0, text: "half", complete: true }]);
  await expect(writer.closed).rejects.toThrow("stop it");
});

test("a successor's reset closes only the segment that a vanished publisher left open", async () => {
  await using host = hostTrickle();
  const url = host.url("d");
  const gone = new AbortController();
  const body = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(bytes("left open")) });
  await fetch(url, { method: "POST" });
  const left = fetch(`${url}/0`, { method: "POST", body, signal: gone.signal }).catch(() => "gone");
  await waitFor("the bytes are there", () => host.server.bytes > 0);
  const reading = readSegments(url, 3, { start: 0 });
  gone.abort();
  expect(await left).toBe("gone");
  const successor = await publisherTo(url, { resume: true });
  const writer = successor.writable.getWriter();
  await writer.write({ data: bytes("one "), first: true });
  await writer.write({ data: bytes("more"), first: false });
  await writer.write({ data: bytes("two"), first: true });
  await writer.close();
  expect((await reading).map(({ text }) => text)).toEqual(["left open", "one more", "two"]);
});

test("a channel that does not exist is refused with the server's answer", async () => {
  await using host = hostTrickle({ autoCreate: false });
  await expect(publisherTo(host.url("none"))).rejects.toMatchObject({
    kind: "channel_refused",
    message: expect.stringContaining("404"),
  });
  await expect(readSegments(host.url("none"))).rejects.toMatchObject({ kind: "input_lost" });
});
