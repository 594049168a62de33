/** What a publisher counts as sent and as dropped, and when it reports that its peer takes nothing. */
import { afterEach, expect, test } from "bun:test";
import type { OutgoingChunk, PublisherObserver } from "../../src/trickle/client/delivery.ts";
import { openRequests } from "../../src/trickle/client/request.ts";
import { bytes, publisherTo } from "../support/trickle-channel.ts";
import { type Exchange, faultyPeer } from "../support/trickle-faults.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

afterEach(() => waitFor("no request is left open", () => openRequests() === 0));

/** Answers `/next` with 0 and deletes with 200; leaves segments to the script. */
const segments =
  (script: (exchange: Exchange, seq: number) => void | Promise<void>) =>
  (exchange: Exchange): void | Promise<void> => {
    if (exchange.path === "/next") return exchange.answer(200, { "Lp-Trickle-Latest": 0 }, "0");
    if (exchange.method === "DELETE") return exchange.answer(200);
    return script(exchange, Number(exchange.path.slice(1)));
  };

class Recorder implements PublisherObserver {
  readonly sent: OutgoingChunk[] = [];
  readonly dropped: OutgoingChunk[] = [];
  readonly events: string[] = [];

  chunkSent(chunk: OutgoingChunk): void {
    this.sent.push(chunk);
  }
  chunkDropped(chunk: OutgoingChunk): void {
    this.dropped.push(chunk);
  }
  stalled(silentMs: number): void {
    this.events.push(`stalled ${silentMs}`);
  }
  recovered(): void {
    this.events.push("recovered");
  }
  /** Each chunk came to one end, and only to one. */
  expectAll(written: readonly OutgoingChunk[]): void {
    expect(new Set([...this.sent, ...this.dropped])).toEqual(new Set(written));
    expect(this.sent.length + this.dropped.length).toBe(written.length);
  }
}

const MIB = 1024 * 1024;
const total = (chunks: readonly OutgoingChunk[]) =>
  chunks.reduce((sum, { data }) => sum + data.byteLength, 0);

test("chunks are sent at once and in order to a peer that reads", async () => {
  await using host = hostTrickle();
  const observer = new Recorder();
  const publisher = await publisherTo(host.url("a"), { create: true, observer });
  const writer = publisher.writable.getWriter();
  const written: OutgoingChunk[] = [];
  for (let n = 0; n < 20; n++) {
    const chunk = { data: bytes(`chunk ${n}`), first: n % 5 === 0 };
    written.push(chunk);
    await writer.write(chunk);
    await waitFor("it is sent before the next one is there", () => observer.sent.length === n + 1);
  }
  expect(observer.sent).toEqual(written);
  expect(publisher.stats).toEqual({ segments: 4, segmentsSkipped: 0, bytes: total(written) });
  await writer.close();
  expect([observer.dropped, observer.events]).toEqual([[], []]);
});

test("a chunk without bytes is sent at once", async () => {
  await using host = hostTrickle();
  const observer = new Recorder();
  const publisher = await publisherTo(host.url("a"), { create: true, observer });
  const writer = publisher.writable.getWriter();
  const written = [
    { data: new Uint8Array(0), first: true },
    { data: bytes("x"), first: false },
    { data: new Uint8Array(0), first: false },
  ];
  for (const chunk of written) await writer.write(chunk);
  await waitFor("all are sent", () => observer.sent.length === written.length);
  await writer.close();
  expect(observer.events).toEqual([]);
  observer.expectAll(written);
});

test("chunks that wait for a socket are not sent, and are dropped when the socket dies", async () => {
  const held: Exchange[] = [];
  await using peer = await faultyPeer(
    segments((exchange) => {
      exchange.request.socket.pause();
      held.push(exchange);
    }),
  );
  const observer = new Recorder();
  const publisher = await publisherTo(peer.url, { observer, limits: { queueBytes: 2 * MIB } });
  const writer = publisher.writable.getWriter();
  await waitFor("it is connected", () => held.length === 1);
  const written: OutgoingChunk[] = [];
  const write = async () => {
    const chunk = { data: new Uint8Array(256 * 1024), first: written.length === 0 };
    written.push(chunk);
    await writer.write(chunk);
  };
  const isSent = () => observer.sent.length === written.length;
  /** False once the kernel's buffers are full. */
  const isTaken = () =>
    waitFor("the socket", isSent, 300).then(
      () => true,
      () => false,
    );
  do await write();
  while (await isTaken());
  expect(observer.dropped).toEqual([]);
  for (let n = 0; n < 20; n++) await write();
  // Eight chunks wait, the rest is skipped.
  const waiting = written.length - observer.sent.length - observer.dropped.length;
  expect(waiting).toBe(8);
  expect(publisher.stats.bytes).toBe(total(observer.sent));
  held[0]?.reset();
  await waitFor(
    "the rest is dropped",
    () => observer.dropped.length >= written.length - observer.sent.length,
  );
  observer.expectAll(written);
  expect(publisher.stats.bytes).toBe(total(observer.sent));
  expect(observer.dropped.length).toBeGreaterThan(waiting);
  await publisher.abort();
});

test("chunks that only the kernel of an unresponsive peer took do not count", async () => {
  let silent = true;
  const stored: string[] = [];
  await using peer = await faultyPeer(
    segments(async ({ answer, text }, seq) => {
      const body = text();
      if (silent) return;
      stored[seq] = await body;
      answer(200, { "Lp-Trickle-Seq": seq });
    }),
  );
  const observer = new Recorder();
  const limits = { stallMs: 600, slotMs: 10, stalledMs: 900 };
  const publisher = await publisherTo(peer.url, { observer, limits });
  const writer = publisher.writable.getWriter();
  const written: OutgoingChunk[] = [];
  const write = async (text: string) => {
    const chunk = { data: bytes(text), first: true };
    written.push(chunk);
    await writer.write(chunk);
  };
  await write("one");
  await write("two");
  await waitFor("both are taken by their sockets", () => observer.sent.length === 2);
  await waitFor("it is in trouble, and several POSTs have died", async () => {
    await write("more");
    return (
      observer.events.length > 0 &&
      peer.seen.filter((name) => name.startsWith("DELETE")).length >= 4
    );
  });
  expect(observer.sent).toHaveLength(2);
  expect(observer.events).toEqual(["stalled 900"]);
  expect(publisher.stats.segments).toBe(2);
  silent = false;
  await waitFor("a segment is stored", async () => {
    await write("stored");
    return stored.includes("stored");
  });
  await waitFor("it has recovered", () => observer.events.length > 1);
  expect(observer.events).toEqual(["stalled 900", "recovered"]);
  await writer.close();
  await waitFor(
    "all are accounted for",
    () => observer.sent.length + observer.dropped.length === written.length,
  );
  observer.expectAll(written);
  expect(total(observer.sent.slice(2))).toBe(stored.join("").length);
});

test("after a reset, a peer that reads a long segment is not stalled, and its chunks count when it is stored", async () => {
  const stored: string[] = [];
  await using peer = await faultyPeer(
    segments(async ({ request, reset, answer, text }, seq) => {
      if (seq === 0) return void request.once("data", reset);
      stored[seq] = await text();
      answer(200, { "Lp-Trickle-Seq": seq });
    }),
  );
  const observer = new Recorder();
  const publisher = await publisherTo(peer.url, { observer, limits: { stalledMs: 500 } });
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("lost"), first: true });
  await waitFor("the reset", () => peer.seen.includes("DELETE /0"));
  const sentBefore = observer.sent.length;
  // Several times stalledMs, within one segment.
  for (let n = 0; n < 20; n++)
    await Promise.all([writer.write({ data: bytes("x"), first: n === 0 }), Bun.sleep(60)]);
  expect(observer.events).toEqual([]);
  expect(observer.sent.length).toBe(sentBefore);
  await writer.close();
  expect(stored[1]).toBe("x".repeat(20));
  expect(observer.sent.length).toBe(sentBefore + 20);
});

test("a peer that takes nothing for the given time has failed; one for which there is nothing has not", async () => {
  await using peer = await faultyPeer(segments(({ request }) => void request.socket.pause()));
  const observer = new Recorder();
  const limits = { stallMs: 60_000, slotMs: 10, stalledMs: 500, giveUpMs: 1500 };
  const idle = await publisherTo(peer.url, { limits });
  const publisher = await publisherTo(peer.url, { observer, limits });
  const writer = publisher.writable.getWriter();
  const closed = writer.closed.catch((error: unknown) => error);
  const writing = (async () => {
    // Two segments go to the sockets, the others nowhere.
    for (;;) await Promise.all([writer.write({ data: bytes("x"), first: true }), Bun.sleep(20)]);
  })().catch(() => {});
  expect(await publisher.ended).toMatchObject({
    kind: "lost",
    error: { kind: "output_lost", message: expect.stringContaining("took nothing for 1500 ms") },
  });
  expect(await closed).toMatchObject({ kind: "output_lost" });
  await writing;
  expect(observer.events).toEqual(["stalled 500"]);
  expect(await Promise.race([idle.ended, Bun.sleep(0).then(() => "open")])).toBe("open");
  await idle.abort();
});

test("a publisher that fails to start deletes the channel only if it created it", async () => {
  for (const create of [true, false]) {
    await using peer = await faultyPeer(({ method, path, answer }) => {
      if (path === "/next") return answer(403, {}, "no");
      answer(200);
      expect(method === "GET").toBe(false);
    });
    await expect(publisherTo(peer.url, { create })).rejects.toMatchObject({
      kind: "channel_refused",
    });
    expect(peer.seen).toEqual(create ? ["POST", "GET /next", "DELETE"] : ["GET /next"]);
  }
});

test("errors show a channel's scheme and host, and a short one-line quote of the peer's answer", async () => {
  const text = `no\r\n\u001b[31m http://secret.example/path/to/channel \u202e${"x".repeat(5000)}`;
  await using peer = await faultyPeer(
    segments(({ response }) => {
      response.writeHead(400);
      response.end(text);
    }),
  );
  const end = await (await publisherTo(peer.url)).ended;
  const message = end.kind === "lost" ? end.error.message : "";
  expect(message).toContain(new URL(peer.url).origin);
  expect(message).toContain("status 400 no [31m http://secret.example xxx");
  expect(message).not.toContain("/channel");
  expect(message).not.toMatch(/\p{C}/u);
  expect(message.length).toBeLessThan(400);
});
