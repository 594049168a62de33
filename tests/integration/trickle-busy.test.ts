/** A trickle server that is short of places for requests (live-runner.md 1, consequence a). */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { readMessages } from "../../src/trickle/client/json-reader.ts";
import { JsonWriter } from "../../src/trickle/client/json-writer.ts";
import { openRequests } from "../../src/trickle/client/request.ts";
import { type CountedTrickle, countedTrickle } from "../support/counted-trickle.ts";
import { bytes, publisherTo, readSegments, type SeenSegment } from "../support/trickle-channel.ts";
import { faultyPeer } from "../support/trickle-faults.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);
afterEach(() => waitFor("no request is left open", () => openRequests() === 0, 1000));

/** Failures are retried for less long than the server is busy here. */
const GIVE_UP_MS = 200;
const BUSY_MS = 450;

/** Answers 503 for a while, at least a few times. */
async function busy(trickle: CountedTrickle): Promise<void> {
  trickle.isBusy = true;
  const before = trickle.refused;
  await Bun.sleep(BUSY_MS);
  expect(trickle.refused - before).toBeGreaterThan(1);
  trickle.isBusy = false;
}

test("503 to GET and POST of media is waited out, with at most 2 open requests a channel (M4)", async () => {
  await using trickle = countedTrickle();
  const [input, output] = [await trickle.make("in"), await trickle.make("out")];
  const seen: SeenSegment[] = [];
  const options = { start: 0, maxLag: 99, giveUpMs: GIVE_UP_MS };
  const reading = readSegments(input, Number.POSITIVE_INFINITY, options, seen);
  const publisher = await publisherTo(output, {
    limits: { giveUpMs: GIVE_UP_MS, stalledMs: 100, slotMs: 5000 },
  });
  const writer = publisher.writable.getWriter();
  const write = (text: string) => writer.write({ data: bytes(text), first: true });
  for (let n = 0; n < 6; n++) {
    trickle.isBusy = n === 3; // these have their requests open; the ones after them are refused
    await trickle.request("POST", `in/${n}`, `in ${n}`);
    await write(`out ${n}`);
    await waitFor("the input", () => seen.length === n + 1);
    if (n === 3) await busy(trickle);
  }
  await writer.close();
  expect(await publisher.ended).toEqual({ kind: "finished" });
  expect(seen.map(({ text }) => text)).toEqual([0, 1, 2, 3, 4, 5].map((n) => `in ${n}`));
  for (const n of [2, 3, 4, 5]) {
    const stored = await trickle.request("GET", `out/${n}`);
    expect(await stored.text()).toBe(`out ${n}`);
  }
  expect(trickle.mostOpen("in")).toBeWithin(1, 3);
  expect(trickle.mostOpen("out")).toBe(2);
  await trickle.request("DELETE", "in");
  await reading;
});

test("503 to what closes a segment that broke off is waited out", async () => {
  const busyUntil = performance.now() + BUSY_MS;
  const stored: string[] = [];
  await using peer = await faultyPeer(async ({ method, path, request, answer, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 0 });
    if (path === "/0" && method === "POST") return void request.once("data", () => answer(503));
    if (performance.now() < busyUntil) return answer(503);
    if (method === "POST") stored.push(await text());
    answer(200);
  });
  const publisher = await publisherTo(peer.url, { limits: { giveUpMs: 100, slotMs: 5000 } });
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("lost"), first: true });
  await waitFor(
    "it is closed",
    () => performance.now() > busyUntil && peer.seen.at(-1) !== "DELETE /0",
  );
  await writer.write({ data: bytes("next"), first: true });
  await writer.close();
  expect(stored).toContain("next");
  expect(await publisher.ended).toEqual({ kind: "finished" });
});

test("503 to a publisher's first request is waited out as long as it may take", async () => {
  await using trickle = countedTrickle();
  const url = await trickle.make("out");
  trickle.isBusy = true;
  const opening = publisherTo(url, { acceptTimeoutMs: 100, busyTimeoutMs: 5000 });
  await busy(trickle);
  await (await opening).close();
  trickle.isBusy = true;
  const refused = publisherTo(url, { acceptTimeoutMs: 100, busyTimeoutMs: 300 });
  await expect(refused).rejects.toMatchObject({
    kind: "channel_refused",
    message: expect.stringContaining("its server answered 503"),
  });
});

test("503 on channels of messages is waited out", async () => {
  await using trickle = countedTrickle();
  const [events, control] = [await trickle.make("events"), await trickle.make("control")];
  trickle.isBusy = true;
  const writer = new JsonWriter({ url: events }, { contentType: "x", giveUpMs: GIVE_UP_MS });
  const { signal } = new AbortController();
  const read = { signal, maxBytes: 100, giveUpMs: GIVE_UP_MS };
  const messages = readMessages({ url: control }, read);
  const first = messages.next();
  writer.send("one");
  await busy(trickle);
  await trickle.request("POST", "control/0", "hello");
  expect((await first).value).toMatchObject({ text: "hello" });
  await waitFor(
    "the event",
    async () => (await trickle.request("GET", "events/next")).status === 200,
  );
  expect(await (await trickle.request("GET", "events/0")).text()).toBe("one");
  expect(trickle.mostOpen("events")).toBe(1);
  expect(trickle.mostOpen("control")).toBeLessThan(3);
  await writer.close();
  await messages.return();
});
