/** The publisher's half of protocol.md 4.3 against a peer that misbehaves. */
import { afterEach, expect, test } from "bun:test";
import type { PublisherLimits } from "../../src/trickle/client/publisher.ts";
import { openRequests } from "../../src/trickle/client/request.ts";
import { recordLogs } from "../support/log-records.ts";
import { bytes, publisherTo } from "../support/trickle-channel.ts";
import { type Exchange, faultyPeer } from "../support/trickle-faults.ts";
import { waitFor } from "../support/wait-for.ts";

afterEach(() => waitFor("no request is left open", () => openRequests() === 0));

const quick: Partial<PublisherLimits> = { stallMs: 300, slotMs: 50, closeMs: 200 };

/** Answers `/next` with 0 and deletes with 200; leaves segments to the script. */
const segments =
  (script: (exchange: Exchange, seq: number) => void | Promise<void>) =>
  (exchange: Exchange): void | Promise<void> => {
    if (exchange.path === "/next") return exchange.answer(200, { "Lp-Trickle-Latest": 0 }, "0");
    if (exchange.method === "DELETE") return exchange.answer(200);
    return script(exchange, Number(exchange.path.slice(1)));
  };

test("repeated 100 Continue responses are ignored, also in the middle of a body", async () => {
  const stored: string[] = [];
  await using peer = await faultyPeer(
    segments(async ({ request, response, answer }, seq) => {
      response.writeContinue();
      response.writeContinue();
      for await (const part of request) {
        stored[seq] = (stored[seq] ?? "") + String(part);
        response.writeContinue();
      }
      answer(200, { "Lp-Trickle-Seq": seq });
    }),
  );
  const publisher = await publisherTo(peer.url);
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("one "), first: true });
  await waitFor("the first part is there", () => stored[0] === "one ");
  await writer.write({ data: bytes("two"), first: false });
  await writer.close();
  expect(stored[0]).toBe("one two");
  expect(await publisher.ended).toEqual({ kind: "finished" });
});

test("a preconnected POST that is reset or answered 503 is replaced with the same number", async () => {
  const stored: string[] = [];
  await using peer = await faultyPeer(
    segments(async ({ earlier, reset, answer, text }, seq) => {
      if (earlier === 0) return reset();
      if (earlier === 1) return answer(503, {}, "busy");
      stored[seq] = await text();
      answer(200, { "Lp-Trickle-Seq": seq });
    }),
  );
  const publisher = await publisherTo(peer.url);
  const posts = () => peer.seen.filter((name) => name === "POST /0").length;
  await waitFor("the third try", () => posts() === 3);
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("kept"), first: true });
  await writer.close();
  expect(stored[0]).toBe("kept");
});

test("a segment that fails after its first bytes is deleted, and the next one is published", async () => {
  const stored: string[] = [];
  await using peer = await faultyPeer(
    segments(async ({ request, reset, answer, text }, seq) => {
      if (seq === 0) return void request.once("data", reset);
      stored[seq] = await text();
      answer(200, { "Lp-Trickle-Seq": seq });
    }),
  );
  const publisher = await publisherTo(peer.url);
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("lost"), first: true });
  await waitFor("the segment is deleted", () => peer.seen.includes("DELETE /0"));
  await writer.write({ data: bytes(" rest"), first: false });
  await writer.write({ data: bytes("next"), first: true });
  await writer.close();
  expect(stored[1]).toBe("next");
  expect(peer.seen.filter((name) => name === "POST /0")).toHaveLength(1);
});

test("a 400 loses the output at once, even while nothing is written", async () => {
  await using peer = await faultyPeer(segments(({ answer }) => answer(400, {}, "Invalid idx")));
  const publisher = await publisherTo(peer.url);
  const end = await publisher.ended;
  expect(end).toMatchObject({ kind: "lost", error: { kind: "output_lost" } });
  await expect(publisher.writable.getWriter().closed).rejects.toThrow("400 Invalid idx");
  expect(peer.seen.filter((name) => name.startsWith("POST"))).toEqual(["POST /0"]);
});

test("a 404 is retried at the server's next number; when repeated, the output is lost", async () => {
  const stored: string[] = [];
  await using back = await faultyPeer(async ({ method, path, earlier, answer, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": earlier === 0 ? 7 : 0 });
    if (method === "DELETE") return answer(200);
    const seq = Number(path.slice(1));
    // A server that has lost its channels, and has them again when it is asked.
    if (seq >= 7) return answer(404, {}, "Stream not found");
    stored[seq] = await text();
    answer(200, { "Lp-Trickle-Seq": seq });
  });
  const publisher = await publisherTo(back.url);
  await waitFor("it went on", () => back.seen.includes("POST /0"));
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("kept"), first: true });
  await writer.close();
  expect(stored[0]).toBe("kept");

  await using gone = await faultyPeer(
    segments(({ answer }) => answer(404, {}, "Stream not found")),
  );
  const end = await (await publisherTo(gone.url)).ended;
  expect(end).toMatchObject({ kind: "lost", error: { kind: "output_lost" } });
  expect(String(end.kind === "lost" && end.error)).toContain("404 Stream not found");
  const posts = gone.seen.filter((name) => name.startsWith("POST"));
  expect(posts.length).toBeGreaterThanOrEqual(3);
  expect(posts.length).toBeLessThanOrEqual(6);
});

test("a channel that neither a POST nor /next finds is lost", async () => {
  await using peer = await faultyPeer(({ path, earlier, answer }) => {
    if (path === "/next" && earlier === 0) return answer(200, { "Lp-Trickle-Latest": 0 });
    answer(404, {}, "Stream not found");
  });
  const publisher = await publisherTo(peer.url);
  const message = expect.stringContaining("closed or removed by the other side");
  expect(await publisher.ended).toMatchObject({ kind: "lost", error: { message } });
  expect(peer.seen.filter((name) => name === "GET /next").length).toBeLessThanOrEqual(3);
});

test.each([
  ["ahead of us", 9],
  ["behind us", 2],
])("a 470 whose number is %s is followed", async (_where, latest) => {
  const stored: string[] = [];
  await using peer = await faultyPeer(async ({ method, path, answer, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 5 });
    if (method === "DELETE") return answer(200);
    const seq = Number(path.slice(1));
    if (seq === 5 || seq === 6) return answer(470, { "Lp-Trickle-Latest": latest });
    stored[seq] = await text();
    answer(200, { "Lp-Trickle-Seq": seq });
  });
  const publisher = await publisherTo(peer.url);
  await waitFor("it went on", () => peer.seen.includes(`POST /${latest}`));
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("kept"), first: true });
  await writer.close();
  expect(stored[latest]).toBe("kept");
  expect(await publisher.ended).toEqual({ kind: "finished" });
});

test("a 429 loses its segment, not the channel", async () => {
  const stored: string[] = [];
  await using peer = await faultyPeer(
    segments(async ({ request, answer, text }, seq) => {
      if (seq === 0) return void request.once("data", () => answer(429, {}, "Too much"));
      stored[seq] = await text();
      answer(200, { "Lp-Trickle-Seq": seq });
    }),
  );
  const publisher = await publisherTo(peer.url);
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("lost"), first: true });
  await waitFor("the segment is deleted", () => peer.seen.includes("DELETE /0"));
  await writer.write({ data: bytes("next"), first: true });
  await writer.close();
  expect(stored[1]).toBe("next");
});

test("after a 413 the rest of the segment is dropped, and a new one is asked for once and goes on at the next number", async () => {
  const stored: string[] = [];
  await using peer = await faultyPeer(
    segments(async ({ request, answer, text }, seq) => {
      if (seq === 0) return void request.once("data", () => answer(413, { Connection: "close" }));
      stored[seq] = await text();
      answer(200, { "Lp-Trickle-Seq": seq });
    }),
  );
  let wanted = 0;
  const dropped: string[] = [];
  const publisher = await publisherTo(peer.url, {
    observer: {
      segmentWanted: () => void wanted++,
      chunkDropped: ({ data }) => void dropped.push(new TextDecoder().decode(data)),
    },
  });
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("too large"), first: true });
  await waitFor("the answer", () => peer.seen.includes("DELETE /0"));
  await writer.write({ data: bytes("rest"), first: false });
  await writer.write({ data: bytes("more"), first: false });
  expect([wanted, dropped]).toEqual([1, ["rest", "more"]]);
  await writer.write({ data: bytes("next"), first: true });
  await writer.write({ data: bytes(" one"), first: false });
  await writer.close();
  expect(stored[1]).toBe("next one");
  expect(wanted).toBe(1);
});

test("a closed channel is distinguished from a lost one, before and in the middle of a body", async () => {
  for (const atFirstByte of [false, true]) {
    await using peer = await faultyPeer(
      segments(({ request, answer }) => {
        const close = () => answer(200, { "Lp-Trickle-Closed": "terminated" });
        if (atFirstByte) request.once("data", close);
        else close();
      }),
    );
    const publisher = await publisherTo(peer.url);
    const writer = publisher.writable.getWriter();
    const closed = writer.closed.catch((error: unknown) => error);
    if (atFirstByte) await writer.write({ data: bytes("x"), first: true });
    expect(await publisher.ended).toEqual({ kind: "closed_by_peer" });
    expect(await closed).toMatchObject({ kind: "output_lost" });
  }
});

test("a channel whose server closes segments without a word, and that /next does not find, was closed: no warning", async () => {
  await using logs = await recordLogs("warning");
  for (const atFirstByte of [false, true]) {
    let isOpen = true;
    const waiting: Exchange["answer"][] = [];
    await using peer = await faultyPeer((exchange) => {
      const { path, request, answer } = exchange;
      if (path === "/next" && isOpen) return answer(200, { "Lp-Trickle-Latest": 0 }, "0");
      if (path === "/next" || !isOpen) return answer(404);
      waiting.push(answer);
      const close = () => {
        isOpen = false;
        for (const answerOne of waiting) answerOne(200, { "Lp-Trickle-Seq": 0 }); // also the one connected ahead
      };
      if (atFirstByte) request.once("data", close);
      else close();
    });
    const publisher = await publisherTo(peer.url);
    const writer = publisher.writable.getWriter();
    const closed = writer.closed.catch((error: unknown) => error);
    if (atFirstByte) await writer.write({ data: bytes("x"), first: true });
    expect(await publisher.ended).toEqual({ kind: "closed_by_peer" });
    expect(await closed).toMatchObject({ kind: "output_lost" });
  }
  expect(logs.messages).toEqual([]);
});

test("after the server ended a preconnected POST the publisher asks for the next number", async () => {
  const stored: string[] = [];
  await using peer = await faultyPeer(async ({ method, path, earlier, answer, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": earlier === 0 ? 0 : 7 });
    if (method === "DELETE") return answer(200);
    const seq = Number(path.slice(1));
    if (seq === 0) return answer(200, { "Lp-Trickle-Seq": 0 });
    stored[seq] = await text();
    answer(200);
  });
  const publisher = await publisherTo(peer.url);
  await waitFor("it went on", () => peer.seen.includes("POST /7"));
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("seven"), first: true });
  await writer.close();
  expect(stored[7]).toBe("seven");
});

test("a peer that ends every segment at once is retried ever more slowly, then given up", async () => {
  await using peer = await faultyPeer(
    segments(({ answer }, seq) => answer(200, { "Lp-Trickle-Seq": seq })),
  );
  const publisher = await publisherTo(peer.url, { limits: { ...quick, giveUpMs: 1500 } });
  const end = await publisher.ended;
  expect(end).toMatchObject({ kind: "lost" });
  expect(String(end.kind === "lost" && end.error)).toContain("nothing was stored");
  // 50 ms apart, as a single one is taken up again, these would be thirty.
  expect(peer.seen.filter((name) => name.startsWith("POST")).length).toBeLessThan(12);
});

test("a peer that never answers makes whole segments be skipped, does not block the writer, and its POSTs time out", async () => {
  let silent = true;
  const stored: string[] = [];
  await using peer = await faultyPeer(
    segments(async ({ answer, text }, seq) => {
      stored[seq] = await text();
      if (!silent) answer(200, { "Lp-Trickle-Seq": seq });
    }),
  );
  const publisher = await publisherTo(peer.url, { limits: { stallMs: 2500, slotMs: 800 } });
  const writer = publisher.writable.getWriter();
  const began = performance.now();
  for (let n = 0; n < 10; n++) await writer.write({ data: bytes(`${n}`), first: true });
  // One of them waited; eight would take 6400 ms.
  expect(performance.now() - began).toBeLessThan(2400);
  expect(publisher.stats).toMatchObject({ segments: 2, segmentsSkipped: 8 });
  await waitFor(
    "both are given up",
    () => peer.seen.includes("DELETE /0") && peer.seen.includes("DELETE /1"),
  );
  silent = false;
  await waitFor("it connects again", () => peer.seen.includes("POST /2"));
  await writer.write({ data: bytes("again"), first: true });
  await writer.close();
  expect(stored[2]).toBe("again");
});

test("when a peer stops reading the queue is bounded; the rest of the segment and the next are skipped", async () => {
  await using peer = await faultyPeer(segments(({ request }) => void request.socket.pause()));
  const limits = { slotMs: 50, stallMs: 60_000, queueBytes: 1024 * 1024 };
  const publisher = await publisherTo(peer.url, { limits });
  const writer = publisher.writable.getWriter();
  const data = new Uint8Array(256 * 1024);
  for (let n = 0; n < 100; n++) await writer.write({ data, first: n % 50 === 0 });
  const { bytes: queued, segmentsSkipped } = publisher.stats;
  expect(segmentsSkipped).toBe(2);
  // 100 chunks are 25 MiB; the kernel's buffers take some MiB before the queue fills.
  expect(queued).toBeLessThan(16 * 1024 * 1024);
  await publisher.abort();
});

test("the output is lost, with the reason, when a peer is gone for the given time", async () => {
  const peer = await faultyPeer(segments(({ reset }) => reset()));
  const publisher = await publisherTo(peer.url, { limits: { giveUpMs: 300 } });
  await waitFor("a first failure", () => peer.seen.length > 2);
  await peer[Symbol.asyncDispose]();
  expect(await publisher.ended).toMatchObject({
    kind: "lost",
    error: { message: expect.stringContaining("nothing was stored for 300 ms") },
  });
});

test("closing ends the segment connected ahead only once the one before is stored", async () => {
  const order: string[] = [];
  await using peer = await faultyPeer(
    segments(async ({ text, answer }, seq) => {
      order.push(`${seq} whole: ${await text()}`);
      const store = () => {
        order.push(`${seq} stored`);
        answer(200, { "Lp-Trickle-Seq": seq });
      };
      if (seq === 0) setTimeout(store, 100);
      else store();
    }),
  );
  const publisher = await publisherTo(peer.url);
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("x"), first: true });
  await waitFor("the next one is connected", () => peer.seen.includes("POST /1"));
  await writer.close();
  expect(order).toEqual(["0 whole: x", "0 stored", "1 whole: ", "1 stored"]);
});

test("closing with a silent peer takes at most the given time and leaves no socket", async () => {
  await using peer = await faultyPeer(segments(() => {}));
  const limits = { stallMs: 60_000, closeMs: 200 };
  const publisher = await publisherTo(peer.url, { limits });
  const writer = publisher.writable.getWriter();
  await writer.write({ data: bytes("x"), first: true });
  await writer.close();
  await waitFor("sockets are closed", () => peer.sockets.size === 0);
});

test("opening reports why a channel cannot be used: a status, silence, no server", async () => {
  const kind = "channel_refused";
  await using full = await faultyPeer(({ earlier, answer }) => {
    if (earlier === 0) answer(503, {}, "full"); // then it is silent
  });
  const status = publisherTo(full.url, { create: true, busyTimeoutMs: 1000 });
  await expect(status).rejects.toMatchObject({ kind, message: expect.stringContaining("503") });
  await using silent = await faultyPeer(() => {});
  const silence = publisherTo(silent.url, { acceptTimeoutMs: 100 });
  await expect(silence).rejects.toMatchObject({ kind, message: expect.stringContaining("100 ms") });
  const nobody = await faultyPeer(() => {});
  await nobody[Symbol.asyncDispose]();
  await expect(publisherTo(nobody.url)).rejects.toMatchObject({ kind });
});
