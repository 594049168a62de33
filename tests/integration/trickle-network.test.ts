/** Channels over connections that break, and with servers whose answers mislead: what is lost, and how often they are asked. */
import { afterEach, expect, test } from "bun:test";
import { trickleAnswers } from "../../src/trickle/client/answer-counts.ts";
import { readMessages } from "../../src/trickle/client/message-reader.ts";
import { MessageWriter } from "../../src/trickle/client/message-writer.ts";
import { TricklePublisher } from "../../src/trickle/client/publisher.ts";
import { openRequests } from "../../src/trickle/client/request.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { FaultPath } from "../faults/peer/fault-path.ts";
import { ownCertificate } from "../support/own-certificate.ts";
import { bytes, publisherTo, readSegments, type SeenSegment } from "../support/trickle-channel.ts";
import { type Exchange, faultyPeer } from "../support/trickle-faults.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

afterEach(() => waitFor("no request is left open", () => openRequests() === 0));

const closed = { "Lp-Trickle-Closed": "terminated" };
const whole = (seq: number, text: string): SeenSegment => ({ seq, text, complete: true });

test("a reader loses nothing of a segment whose connections are reset in the middle of it", async () => {
  await using host = hostTrickle();
  await using path = await FaultPath.open({ target: `http://127.0.0.1:${host.port}` });
  const publisher = await publisherTo(host.url("a"), { create: true });
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("0"), first: true });
  let arrived = "";
  const reading = (async () => {
    const { signal } = new AbortController();
    for await (const chunk of subscribe({ url: path.through(host.url("a")) }, { signal })) {
      arrived += new TextDecoder().decode(chunk.data);
      if (chunk.last) return chunk.complete;
    }
    return false;
  })();
  for (let n = 1; n < 6; n++) {
    await waitFor("what was written", () => arrived.length === n);
    path.cutOpen();
    await writer.write({ data: bytes(`${n}`), first: false });
  }
  await waitFor("the rest", () => arrived.length === 6);
  await writer.close();
  expect(await reading).toBe(true);
  expect(arrived).toBe("012345");
});

test.each<[string, (exchange: Exchange) => void]>([
  ["does not answer", () => {}],
  ["has less of it", ({ answer }) => answer(200, { "Lp-Trickle-Seq": 0 }, "ha")],
  ["has another one", ({ answer }) => answer(200, { "Lp-Trickle-Seq": 7 }, "half a dozen")],
])(
  "a segment that broke off ends with what came of it, if a server that is asked again %s",
  async (_what, answerAgain) => {
    const seen: SeenSegment[] = [];
    let text = "";
    await using peer = await faultyPeer(async (exchange) => {
      const { path, earlier, response, answer, reset } = exchange;
      if (path === "/1") return answer(200, { "Lp-Trickle-Seq": 1 }, "one");
      if (path !== "/0") return answer(200, closed);
      if (earlier > 0) return answerAgain(exchange);
      response.writeHead(200, { "Lp-Trickle-Seq": 0 });
      response.write("half");
      await waitFor("the first half", () => text === "half");
      reset();
    });
    const options = { signal: new AbortController().signal, start: 0, readTimeoutMs: 300 };
    for await (const { seq, data, last, complete } of subscribe({ url: peer.url }, options)) {
      text += new TextDecoder().decode(data);
      if (!last) continue;
      seen.push({ seq, text, complete });
      text = "";
    }
    expect(seen).toEqual([{ seq: 0, text: "half", complete: false }, whole(1, "one")]);
  },
);

test.each<[string, (seq: number) => Record<string, string | number>, number]>([
  ["that the segment is gone", (seq) => ({ "Lp-Trickle-Latest": seq + 1 }), 470],
  ["with empty segments", (seq) => ({ "Lp-Trickle-Seq": seq }), 200],
  ["with a segment that was read", (seq) => ({ "Lp-Trickle-Seq": seq - 1 }), 200],
])(
  "a server that goes on answering at once %s is not asked as fast as it answers",
  async (_what, headers, status) => {
    await using peer = await faultyPeer(({ path, answer }) => {
      answer(status, headers(Number(path.slice(1))));
    });
    const stop = new AbortController();
    const since = performance.now();
    const reading = readSegments(peer.url, undefined, { start: 3, signal: stop.signal });
    await waitFor("several requests", () => peer.seen.length > 10);
    stop.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
    // Five without a pause, and then one in 100 ms; unbounded, it takes a few milliseconds.
    expect(performance.now() - since).toBeGreaterThan(400);
  },
);

test("a number that no segment can have counts as missing", async () => {
  await using peer = await faultyPeer(({ path, answer }) => {
    if (path === "/3") return answer(200, { "Lp-Trickle-Seq": -7 }, "three");
    if (path === "/4") return answer(200, { "Lp-Trickle-Seq": "999999999999999" }, "four");
    if (path === "/5" && peer.seen.length < 4) return answer(470, { "Lp-Trickle-Latest": -1 });
    if (path === "/5") return answer(200, { "Lp-Trickle-Seq": 5 }, "five");
    answer(200, closed);
  });
  expect(await readSegments(peer.url, undefined, { start: 3 })).toEqual([
    whole(3, "three"),
    whole(4, "four"),
    whole(5, "five"),
  ]);
});

test("a segment that was read before is left out when it comes instead of the next one", async () => {
  await using peer = await faultyPeer(({ path, earlier, answer }) => {
    if (path === "/3") return answer(200, { "Lp-Trickle-Seq": 3 }, "three");
    if (path === "/4" && earlier === 0) return answer(200, { "Lp-Trickle-Seq": 3 }, "three");
    if (path === "/4") return answer(200, { "Lp-Trickle-Seq": 4 }, "four");
    answer(200, closed);
  });
  expect(await readSegments(peer.url, undefined, { start: 3 })).toEqual([
    whole(3, "three"),
    whole(4, "four"),
  ]);
});

test("470 to publishers, however often, does not end a channel: it is there", async () => {
  const refusals = 4;
  const stored: string[] = [];
  await using peer = await faultyPeer(async ({ method, path, answer, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 0 });
    if (method === "DELETE") return answer(200);
    const posts = peer.seen.filter((name) => name.startsWith("POST")).length;
    if (posts <= refusals) return answer(470, { "Lp-Trickle-Latest": posts });
    stored.push(await text().catch(() => "")); // cut off
    answer(200);
  });
  const publisher = await publisherTo(peer.url);
  const writer = publisher.writable.getWriter();
  await waitFor("it is connected", () => peer.seen.length > refusals + 1);
  await writer.write({ data: bytes("media"), first: true });
  await writer.close();
  expect(await publisher.ended).toEqual({ kind: "finished" });
  peer.seen.length = 0;
  const messages = new MessageWriter({ url: peer.url }, { contentType: "x", closeMs: 10_000 });
  messages.send("message");
  await messages.close();
  expect(await messages.ended).toEqual({ kind: "finished" });
  expect(stored).toEqual(expect.arrayContaining(["media", "message"]));
});

const [own, other] = [ownCertificate(), ownCertificate()];

test.skipIf(own === null || other === null)(
  "a server that shows another certificate, or cuts the handshake, is not trusted and is waited for (skips without openssl)",
  async () => {
    if (own === null || other === null) throw new Error("openssl is there");
    await using host = hostTrickle();
    const target = `http://127.0.0.1:${host.port}`;
    await using path = await FaultPath.open({ target, tls: { own, other } });
    await host.make("a", "text/plain");
    const endpoint = { url: path.through(host.url("a")), verifyTls: true, ca: own.cert };
    const { signal } = new AbortController();
    const publisher = await TricklePublisher.open(endpoint, { contentType: "text/plain", signal });
    const writer = publisher.writable.getWriter();
    let arrived = "";
    const reading = (async () => {
      for await (const { data } of subscribe(endpoint, { signal, start: 0, known: true }))
        arrived += new TextDecoder().decode(data);
    })();
    for (const fault of ["certificate", "handshake_cut"] as const) {
      await path.set(fault);
      path.cutOpen();
      let failed = 0;
      trickleAnswers.take();
      await waitFor("several tries that fail", () => {
        for (const { status, count } of trickleAnswers.take())
          if (status === "error") failed += count;
        return failed > 4;
      });
      await path.clear();
      await waitFor("media that flows again", async () => {
        await writer.write({ data: bytes(fault), first: true });
        return arrived.includes(fault);
      });
    }
    await writer.close();
    await publisher.deleteChannel();
    await reading;
  },
);

test("a server that fails, or is busy, is asked ever more slowly by readers and writers of all kinds", async () => {
  await using host = hostTrickle();
  const stop = new AbortController();
  const { signal } = stop;
  const paths: FaultPath[] = [];
  const channel = async (name: string): Promise<string> => {
    const path = await FaultPath.open({ target: `http://127.0.0.1:${host.port}` });
    paths.push(path);
    await host.make(name, "text/plain");
    return path.through(host.url(name));
  };
  const publisher = await publisherTo(await channel("out"), { signal });
  const reading = readSegments(await channel("in"), undefined, { known: true, signal });
  const writer = new MessageWriter(
    { url: await channel("events") },
    { contentType: "x", closeMs: 0 },
  );
  const read = { signal, maxBytes: 100 };
  const message = readMessages({ url: await channel("control") }, read).next();
  const over = Promise.allSettled([reading, message]);
  await waitFor("all are connected", () => paths.every(({ open }) => open > 0));
  for (const fault of ["status_500", "status_503"] as const) {
    const before = paths.map(({ connections }) => connections);
    const since = performance.now();
    for (const path of paths) {
      await path.set(fault);
      path.cutOpen();
    }
    const asked = () => paths.map(({ connections }, n) => connections - (before[n] ?? 0));
    const seconds = () => (performance.now() - since) / 1000;
    await waitFor(
      "a second, and two tries of each",
      () => seconds() > 1 && Math.min(...asked()) > 1,
    );
    expect(Math.max(...asked()) / seconds()).toBeLessThan(16);
    for (const path of paths) await path.clear();
  }
  stop.abort(new Error("enough"));
  await Promise.all([publisher.ended, writer.close(), over]);
  for (const path of paths) await path[Symbol.asyncDispose]();
});
