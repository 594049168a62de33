/** Our publisher and subscriber against our server, over sockets. */
import { afterEach, expect, test } from "bun:test";
import { openRequests } from "../../src/trickle/request.ts";
import { subscribe } from "../../src/trickle/subscriber.ts";
import { bytes, publisherTo, readSegments, type SeenSegment } from "../support/trickle-channel.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

afterEach(() => waitFor("no request is left open", () => openRequests() === 0, 1000));

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
    await writer.write({ data: bytes("rest"), first: false });
    await waitFor("the reader follows", () => seen.length >= n - 1);
  }
  await writer.close();
  await waitFor("all is read", () => seen.length === 20);
  await publisher.deleteChannel();
  await reading;
  expect(seen.map(({ text }) => text)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}:rest`));
  expect(seen.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(publisher.stats).toEqual({ segments: 20, segmentsSkipped: 0, bytes: 130 });
  expect(await publisher.ended).toEqual({ kind: "finished" });
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
