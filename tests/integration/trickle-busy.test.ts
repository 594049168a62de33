/** A trickle server that is short of places for requests (live-runner.md 1, consequence a). */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { askAcceptance, ServerBusy } from "../../src/trickle/client/channel-requests.ts";
import { readMessages } from "../../src/trickle/client/message-reader.ts";
import { MessageWriter } from "../../src/trickle/client/message-writer.ts";
import { openRequests } from "../../src/trickle/client/request.ts";
import { type CountedTrickle, countedTrickle } from "../support/counted-trickle.ts";
import { bytes, publisherTo, readSegments, type SeenSegment } from "../support/trickle-channel.ts";
import { faultyPeer } from "../support/trickle-faults.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);
afterEach(() => waitFor("no request is left open", () => openRequests() === 0));

/** A publisher gives up after this long without progress: more than a loaded machine takes for one answer. */
const GIVE_UP_MS = 1000;
/** Where only failures in a row count, the first one ends the channel. */
const AT_ONCE = 0;

/** Answers 503 for `ms`, and at least twice. */
async function busyFor(ms: number, trickle: CountedTrickle): Promise<void> {
  const since = performance.now();
  const before = trickle.refused;
  trickle.isBusy = true;
  await waitFor(
    "the server was busy",
    () => performance.now() - since > ms && trickle.refused - before > 1,
  );
  trickle.isBusy = false;
}

test("503 to GET and POST of media is waited out, with at most 2 open requests a channel (M4)", async () => {
  await using trickle = countedTrickle();
  const [input, output] = [await trickle.make("in"), await trickle.make("out")];
  const seen: SeenSegment[] = [];
  const options = { start: 0, maxLag: 99, giveUpMs: AT_ONCE };
  const reading = readSegments(input, Number.POSITIVE_INFINITY, options, seen);
  const publisher = await publisherTo(output, {
    limits: { giveUpMs: GIVE_UP_MS, stalledMs: 100 },
  });
  const writer = publisher.writable.getWriter();
  const write = (text: string) => writer.write({ data: bytes(text), first: true });
  for (let n = 0; n < 6; n++) {
    trickle.isBusy = n === 3; // these have their requests open; the ones after them are refused
    await trickle.request("POST", `in/${n}`, `in ${n}`);
    await write(`out ${n}`);
    await waitFor("the input", () => seen.length === n + 1);
    if (n === 3) await busyFor(1.2 * GIVE_UP_MS, trickle);
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
  const busyUntil = performance.now() + 1.2 * GIVE_UP_MS;
  const stored: string[] = [];
  await using peer = await faultyPeer(async ({ method, path, request, answer, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 0 });
    if (path === "/0" && method === "POST") return void request.once("data", () => answer(503));
    if (performance.now() < busyUntil) return answer(503);
    if (method === "POST") stored.push(await text());
    answer(200);
  });
  const publisher = await publisherTo(peer.url, { limits: { giveUpMs: GIVE_UP_MS } });
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
  const opening = publisherTo(url, { acceptTimeoutMs: 10_000 });
  await busyFor(0, trickle);
  await (await opening).close();
  trickle.isBusy = true;
  // The test's own limit ends one that waits for as long as an answer may take.
  const refused = publisherTo(url, { acceptTimeoutMs: 60_000, busyTimeoutMs: 500 });
  await expect(refused).rejects.toMatchObject({ kind: "channel_refused" });
});

test("503 is waited out for longer than one answer may take, and is what a refusal names", async () => {
  const began = performance.now();
  const isBusy = () => performance.now() - began < 100;
  const signal = new AbortController().signal;
  /** Answers at once, so that only the time spent busy counts. */
  const answer = async () => {
    if (isBusy()) throw new ServerBusy("its server answered 503");
    return "accepted";
  };
  const endpoint = { url: "http://127.0.0.1/out" };
  const patient = { signal, answerMs: 20, busyMs: 60_000 };
  expect(await askAcceptance(endpoint, answer, patient)).toBe("accepted");
  /** Busy once; after that, no answer comes. */
  let asked = 0;
  const silentLater = (limit: AbortSignal) =>
    asked++ === 0
      ? Promise.reject(new ServerBusy("its server answered 503"))
      : new Promise<never>((_, reject) =>
          limit.addEventListener("abort", () => reject(limit.reason), { once: true }),
        );
  const refused = askAcceptance(endpoint, silentLater, { signal, answerMs: 60_000, busyMs: 200 });
  await expect(refused).rejects.toMatchObject({
    kind: "channel_refused",
    message: expect.stringContaining("its server answered 503"),
  });
});

test("a machine that is short of files asks again, and blames itself if that does not help", async () => {
  const signal = new AbortController().signal;
  const endpoint = { url: "http://127.0.0.1/out" };
  const shortage = () => Object.assign(new TypeError("EMFILE"), { code: "EMFILE" });
  let asked = 0;
  const answer = async () => {
    if (asked++ === 0) throw shortage();
    return "accepted";
  };
  const patient = { signal, answerMs: 20, busyMs: 60_000 };
  expect(await askAcceptance(endpoint, answer, patient)).toBe("accepted");
  const refused = askAcceptance(endpoint, () => Promise.reject(shortage()), {
    signal,
    answerMs: 60_000,
    busyMs: 200,
  });
  await expect(refused).rejects.toMatchObject({
    kind: "engine_unavailable",
    message: expect.stringContaining(
      "this machine is out of file descriptors, memory or ports (EMFILE)",
    ),
  });
});

test("503 on channels of messages is waited out", async () => {
  await using trickle = countedTrickle();
  const [events, control] = [await trickle.make("events"), await trickle.make("control")];
  trickle.isBusy = true;
  const writer = new MessageWriter({ url: events }, { contentType: "x", giveUpMs: AT_ONCE });
  const { signal } = new AbortController();
  const read = { signal, maxBytes: 100, giveUpMs: AT_ONCE };
  const messages = readMessages({ url: control }, read);
  const first = messages.next();
  writer.send("one");
  await busyFor(0, trickle);
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
