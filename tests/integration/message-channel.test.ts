/** Channels of messages: written and read whole, in order, across outages. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readMessages } from "../../src/trickle/client/message-reader.ts";
import { MessageWriter } from "../../src/trickle/client/message-writer.ts";
import { recordLogs } from "../support/log-records.ts";
import { readSegments, type SeenSegment } from "../support/trickle-channel.ts";
import { faultyPeer } from "../support/trickle-faults.ts";
import { hostTrickle } from "../support/trickle-host.ts";
import { waitFor } from "../support/wait-for.ts";

setDefaultTimeout(20_000);

const JSON_TYPE = { contentType: "application/json", closeMs: 10_000 };
const post = (url: string, seq: number, body: string | Uint8Array | ReadableStream<Uint8Array>) =>
  fetch(`${url}/${seq}`, { method: "POST", body: body as string });

test("each message is a segment, in order, and closing adds no empty one", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const url = host.url("a-events");
  await host.make("a-events", "application/json");
  const seen: SeenSegment[] = [];
  const reading = readSegments(url, Number.POSITIVE_INFINITY, { start: 0 }, seen);
  const writer = new MessageWriter({ url }, JSON_TYPE);
  writer.send("one");
  writer.send("two");
  await waitFor("two messages", () => seen.length === 2);
  writer.send("three");
  await writer.close();
  expect(await writer.ended).toEqual({ kind: "finished" });
  expect((await fetch(`${url}/next`)).headers.get("Lp-Trickle-Latest")).toBe("3");
  await fetch(url, { method: "DELETE" });
  await reading;
  expect(seen.map(({ text }) => text)).toEqual(["one", "two", "three"]);
});

test("a silent channel gets empty segments if the writer is asked for them, and none at its end", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const url = host.url("a-events");
  await host.make("a-events", "application/json");
  const latest = async () => Number((await fetch(`${url}/next`)).headers.get("Lp-Trickle-Latest"));
  const writer = new MessageWriter({ url }, { ...JSON_TYPE, emptySegmentMs: 40 });
  writer.send("one");
  await waitFor("two empty segments", async () => (await latest()) >= 3);
  const empty = await fetch(`${url}/2`);
  expect({ status: empty.status, text: await empty.text() }).toEqual({ status: 200, text: "" });
  await writer.close();
  const end = await latest();
  expect(await (await fetch(`${url}/${end - 1}`)).text()).toBe("");
  const later = new MessageWriter({ url }, { ...JSON_TYPE, emptySegmentMs: 60_000 });
  later.send("two");
  await later.close();
  expect(await latest()).toBe(end + 1);
  expect(await (await fetch(`${url}/${end}`)).text()).toBe("two");
});

test("a message too large for an orchestrator is dropped, the ones around it are not, and neither is one that the server refuses", async () => {
  const stored: number[] = [];
  await using peer = await faultyPeer(async ({ path, answer, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": stored.length });
    const { length } = await text().catch(() => "");
    if (length === 0) return; // cut off
    if (length > 1000) return answer(413, { Connection: "close" });
    stored.push(length);
    answer(200);
  });
  const writer = new MessageWriter({ url: peer.url }, JSON_TYPE);
  for (const length of [1, 8_000_001, 2, 5000, 3]) writer.send("x".repeat(length));
  await writer.close();
  expect(stored).toEqual([1, 2, 3]);
});

test("empty segments come in time though connections break sooner", async () => {
  let stored = 0;
  await using peer = await faultyPeer(async ({ path, answer, reset, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 0 });
    const broken = setTimeout(reset, 60);
    if ((await text().catch(() => null)) === null) return; // reset
    clearTimeout(broken);
    stored++;
    answer(200);
  });
  const writer = new MessageWriter({ url: peer.url }, { ...JSON_TYPE, emptySegmentMs: 150 });
  await waitFor("an empty segment", () => stored > 0);
  await writer.close();
});

test("the next segment is connected before there is a message", async () => {
  const began = Promise.withResolvers<void>();
  await using peer = await faultyPeer(async ({ path, answer, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 0 });
    began.resolve();
    await text().catch(() => ""); // cut off
    answer(200);
  });
  const writer = new MessageWriter({ url: peer.url }, JSON_TYPE);
  await began.promise;
  await writer.close();
  expect(peer.seen).toEqual(["GET /next", "POST /0"]);
});

test("a channel that others have written to is continued at its next number, with a reset", async () => {
  const resets: unknown[] = [];
  await using peer = await faultyPeer(async ({ path, request, answer, text }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 7 });
    if ((await text().catch(() => "")) === "") return; // cut off
    resets.push(request.headers["lp-trickle-reset"] ?? null);
    answer(200);
  });
  const writer = new MessageWriter({ url: peer.url }, JSON_TYPE);
  writer.send("one");
  writer.send("two");
  await writer.close();
  expect(peer.seen).toEqual(
    ["GET /next", "POST /7", "POST /8", "POST /9"].slice(0, peer.seen.length),
  );
  expect(resets).toEqual(["1", null]);
});

test("a channel whose server ends the POST without a word, and that /next does not find, has ended: no warning", async () => {
  await using logs = await recordLogs("warning");
  let isOpen = true;
  await using peer = await faultyPeer(({ path, answer }) => {
    if (path === "/next")
      return isOpen ? answer(200, { "Lp-Trickle-Latest": 0 }, "0") : answer(404);
    isOpen = false;
    return answer(200, { "Lp-Trickle-Seq": 0 });
  });
  expect(await new MessageWriter({ url: peer.url }, JSON_TYPE).ended).toEqual({ kind: "closed" });
  expect(logs.messages).toEqual([]);
});

/** A peer that has one segment, breaks the first connection to it, and then denies the channel once. */
const denying = () => {
  let asked = 0;
  let denied = 0;
  return faultyPeer(async ({ path, request, answer, reset, text }) => {
    if (path === "/next" && asked === 1 && denied++ === 0) return answer(404, {}, "not found");
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 0 });
    if (request.method === "POST" && (await text().catch(() => "")) === "") return;
    if (asked++ === 0) return reset();
    answer(200, { "Lp-Trickle-Seq": 0 }, "stored");
  });
};

test("a server that denies a channel once is asked again by its writer", async () => {
  await using peer = await denying();
  const writer = new MessageWriter({ url: peer.url }, JSON_TYPE);
  writer.send("one");
  await waitFor("the message", () => peer.seen.filter((one) => one === "POST /0").length >= 2);
  await writer.close();
  expect(await writer.ended).toEqual({ kind: "finished" });
  expect(peer.seen.slice(0, 4)).toEqual(["GET /next", "POST /0", "GET /next", "GET /next"]);
});

test("a server that denies a channel once is asked again by its reader", async () => {
  let asked = 0;
  await using peer = await faultyPeer(({ path, answer }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 1 });
    if (asked++ === 0) return answer(404, {}, "not found");
    answer(200, { "Lp-Trickle-Seq": 0 }, "zero");
  });
  const { signal } = new AbortController();
  const read = { signal, maxBytes: 1000 };
  const { value } = await readMessages({ url: peer.url }, read).next();
  expect(value).toEqual({ kind: "text", seq: 0, text: "zero" });
});

test("a peer that takes messages and never answers is lost when the time is over", async () => {
  await using peer = await faultyPeer(({ path, answer }) => {
    if (path === "/next") answer(200, { "Lp-Trickle-Latest": 0 });
  });
  const options = { ...JSON_TYPE, stallMs: 100, giveUpMs: 400 };
  const writer = new MessageWriter({ url: peer.url }, options);
  writer.send("one");
  expect(await writer.ended).toMatchObject({ kind: "lost" });
  expect(peer.seen.filter((each) => each.startsWith("POST")).length).toBeGreaterThan(1);
});

test("a writer that is closing does not warn of a server that is gone", async () => {
  await using logs = await recordLogs("warning");
  let isEnding = false;
  await using peer = await faultyPeer(({ path, answer, reset }) => {
    if (isEnding) return reset();
    if (path === "/next") answer(200, { "Lp-Trickle-Latest": 0 }, "0");
  });
  const writer = new MessageWriter({ url: peer.url }, { ...JSON_TYPE, closeMs: 150 });
  await waitFor("the connection", () => peer.seen.includes("POST /0"));
  isEnding = true;
  writer.send("the end");
  const closed = writer.close();
  for (const socket of peer.sockets) socket.destroy();
  await closed;
  expect(peer.seen.length).toBeGreaterThan(2);
  expect(logs.messages).toEqual([]);
});

test("a channel that is closed or removed ends the writer; one that never existed is lost, with the reason", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const url = host.url("a-events");
  await host.make("a-events", "application/json");
  const writer = new MessageWriter({ url }, JSON_TYPE);
  await waitFor("the connection", () => host.pending() > 0);
  await fetch(url, { method: "DELETE" });
  expect(await writer.ended).toEqual({ kind: "closed" });
  writer.send("too late");
  await writer.close();
  const none = await new MessageWriter({ url: host.url("none") }, JSON_TYPE).ended;
  expect(none).toMatchObject({ kind: "lost", error: { kind: "channel_refused" } });
});

test("a message answered 404 or 470 once is sent again at the server's next number; when repeated, the channel has ended", async () => {
  for (const status of [404, 470]) {
    const stored: string[] = [];
    await using peer = await faultyPeer(async ({ path, earlier, answer, text }) => {
      if (path === "/next") return answer(200, { "Lp-Trickle-Latest": earlier === 0 ? 7 : 0 });
      const message = await text().catch(() => ""); // cut off
      if (path === "/7") return answer(status, { "Lp-Trickle-Latest": 0 }, "not found");
      stored.push(message);
      answer(200);
    });
    const writer = new MessageWriter({ url: peer.url }, JSON_TYPE);
    writer.send("kept");
    await waitFor("it is stored", () => stored.includes("kept"));
    await writer.close();
    expect(await writer.ended).toEqual({ kind: "finished" });
  }
  await using gone = await faultyPeer(({ path, answer }) => {
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 0 });
    answer(404, {}, "not found");
  });
  expect(await new MessageWriter({ url: gone.url }, JSON_TYPE).ended).toEqual({ kind: "closed" });
  expect(gone.seen.filter((name) => name === "POST /0")).toHaveLength(3);
});

test("messages survive resets and a restart of the server; the oldest of too many is dropped, kept ones last", async () => {
  const first = hostTrickle({ autoCreate: false });
  const url = first.url("a-events");
  await first.make("a-events", "application/json");
  const writer = new MessageWriter({ url }, { ...JSON_TYPE, queueLength: 3 });
  writer.send("before");
  await waitFor("the first", async () => {
    return (await fetch(`${url}/next`)).headers.get("Lp-Trickle-Latest") === "1";
  });
  await first[Symbol.asyncDispose]();
  for (const n of [1, 2, 3]) writer.send(`old ${n}`);
  writer.send("kept", { kept: true });
  for (const n of [1, 2, 3]) writer.send(`new ${n}`);
  // Its channels are there when it listens: what an orchestrator that is only unreachable looks like.
  await using second = hostTrickle({ autoCreate: false }, first.port);
  await second.make("a-events", "application/json");
  const seen = await readSegments(url, 3, { start: 0 });
  // One may be on its way when the others come in.
  expect(seen.map(({ text }) => text).slice(-2)).toEqual(["new 2", "new 3"]);
  expect(seen.map(({ text }) => text)).toContain("kept");
  await writer.close();
  await waitFor("nothing is left open", () => second.pending() === 0);
});

test("a writer whose peer is gone gives up after the given time; closing waits at most the given time", async () => {
  const gone = hostTrickle();
  const url = gone.url("x");
  await gone[Symbol.asyncDispose]();
  const limits = { ...JSON_TYPE, giveUpMs: 100 };
  expect(await new MessageWriter({ url }, limits).ended).toMatchObject({ kind: "lost" });
  const patient = new MessageWriter({ url }, { ...JSON_TYPE, closeMs: 50 });
  patient.send("x");
  const asked = performance.now();
  await patient.close();
  expect(performance.now() - asked).toBeLessThan(5000);
});

test("messages are read whole and in order, also large ones in pieces; empty segments are skipped", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const url = host.url("a-control");
  await host.make("a-control", "application/json");
  const stop = new AbortController();
  const messages = readMessages({ url }, { signal: stop.signal, maxBytes: 6 * 1024 * 1024 });
  const large = "x".repeat(5 * 1024 * 1024);
  const pieces = new ReadableStream<Uint8Array>({
    start(controller) {
      const bytes = Buffer.from(large);
      for (let at = 0; at < bytes.length; at += 700_000)
        controller.enqueue(bytes.subarray(at, at + 700_000));
      controller.close();
    },
  });
  const writing = (async () => {
    await post(url, 0, "one");
    await post(url, 1, "");
    await post(url, 2, pieces);
    await post(url, 3, new Uint8Array(7 * 1024 * 1024));
    await post(url, 4, "two");
  })();
  const read: unknown[] = [];
  for await (const message of messages) {
    read.push(message.kind === "text" ? message.text.length : message);
    if (read.length === 4) await fetch(url, { method: "DELETE" });
  }
  expect(read).toEqual([3, large.length, { kind: "too_large", seq: 3, bytes: 7 * 1024 * 1024 }, 3]);
  await writing;
});

test("all messages that the server still holds are read, even if they come faster than they can be requested", async () => {
  await using peer = await faultyPeer(({ path, answer }) => {
    const seq = Number(path.slice(1));
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 1 });
    if (seq === 0 || (seq >= 5 && seq < 9)) return answer(200, { "Lp-Trickle-Seq": seq }, path);
    if (seq < 9) return answer(470, { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": 9 });
    answer(200, { "Lp-Trickle-Closed": "terminated" });
  });
  const { signal } = new AbortController();
  const read = await Array.fromAsync(readMessages({ url: peer.url }, { signal, maxBytes: 1000 }));
  expect(read.map(({ seq }) => seq)).toEqual([0, 5, 6, 7, 8]);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "%d answers that send the reader too far ahead cost it no message",
  async (count) => {
    let lies = count;
    await using peer = await faultyPeer(({ path, answer }) => {
      const seq = Number(path.slice(1));
      if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 1 });
      if (seq === 0) return answer(200, { "Lp-Trickle-Seq": seq }, path);
      if (lies-- > 0) return answer(470, { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": seq + 5 });
      if (seq < 3) return answer(200, { "Lp-Trickle-Seq": seq }, path);
      if (seq > 3) return answer(470, { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": 3 });
      answer(200, { "Lp-Trickle-Closed": "terminated" });
    });
    const { signal } = new AbortController();
    const read = await Array.fromAsync(readMessages({ url: peer.url }, { signal, maxBytes: 1000 }));
    expect(read.map(({ seq }) => seq)).toEqual([0, 1, 2]);
  },
);

test("messages of a publisher that counts from the start again are read from the first on", async () => {
  await using peer = await faultyPeer(({ path, answer }) => {
    const seq = Number(path.slice(1));
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 101 });
    if (seq === 100 || seq < 3) return answer(200, { "Lp-Trickle-Seq": seq }, path);
    if (seq > 100) return answer(470, { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": 3 });
    answer(200, { "Lp-Trickle-Closed": "terminated" });
  });
  const { signal } = new AbortController();
  const read = await Array.fromAsync(readMessages({ url: peer.url }, { signal, maxBytes: 1000 }));
  expect(read.map(({ seq }) => seq)).toEqual([100, 0, 1, 2]);
});

test("answers that lead back by mistake repeat no message", async () => {
  const began = performance.now();
  await using peer = await faultyPeer(({ path, answer }) => {
    const seq = Number(path.slice(1));
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 10 });
    if (seq === 9) return answer(200, { "Lp-Trickle-Seq": seq }, path);
    const isLie = performance.now() - began < 3000;
    if (seq < 10 || isLie)
      return answer(470, { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": isLie ? 5 : 11 });
    if (seq === 10) return answer(200, { "Lp-Trickle-Seq": seq }, path);
    answer(200, { "Lp-Trickle-Closed": "terminated" });
  });
  const { signal } = new AbortController();
  const read = await Array.fromAsync(readMessages({ url: peer.url }, { signal, maxBytes: 1000 }));
  expect(read.map(({ seq }) => seq)).toEqual([9, 10]);
});

test("nor do they if the server still has what was read", async () => {
  const began = performance.now();
  await using peer = await faultyPeer(({ path, answer }) => {
    const seq = Number(path.slice(1));
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 2 });
    const isLie = seq >= 2 && performance.now() - began < 3000;
    if (isLie) return answer(470, { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": 0 });
    if (seq < 2) return answer(200, { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": 2 }, path);
    answer(200, { "Lp-Trickle-Closed": "terminated" });
  });
  const { signal } = new AbortController();
  const options = { signal, maxBytes: 1000, start: 0 };
  const read = await Array.fromAsync(readMessages({ url: peer.url }, options));
  expect(read.map(({ seq }) => seq)).toEqual([0, 1]);
});

test("an empty segment that the server does not count is no reason to read others again", async () => {
  let asked = 0;
  await using peer = await faultyPeer(({ path, answer }) => {
    const seq = Number(path.slice(1));
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 3 });
    if (seq < 3) return answer(200, { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": 3 }, path);
    if (++asked > 12) return answer(200, { "Lp-Trickle-Closed": "terminated" });
    if (seq === 3) return answer(200, { "Lp-Trickle-Seq": seq }, "");
    answer(470, { "Lp-Trickle-Seq": seq, "Lp-Trickle-Latest": 3 });
  });
  const { signal } = new AbortController();
  const options = { signal, maxBytes: 1000, start: 0 };
  const read = await Array.fromAsync(readMessages({ url: peer.url }, options));
  expect(read.map(({ seq }) => seq)).toEqual([0, 1, 2]);
});

test("a message that breaks off is read again from its start, and none is passed over", async () => {
  let breaks = 0;
  await using peer = await faultyPeer(({ path, answer, response, reset }) => {
    const seq = Number(path.slice(1));
    if (path === "/next") return answer(200, { "Lp-Trickle-Latest": 2 });
    if (seq === 0 && breaks++ < 3) {
      response.writeHead(200, { "Lp-Trickle-Seq": 0 });
      return void response.write("ze", () => setTimeout(reset, 20));
    }
    if (seq < 2) return answer(200, { "Lp-Trickle-Seq": seq }, seq === 0 ? "zero" : "one");
    answer(200, { "Lp-Trickle-Closed": "terminated" });
  });
  const { signal } = new AbortController();
  const options = { signal, maxBytes: 1000, start: 0 };
  const read = await Array.fromAsync(readMessages({ url: peer.url }, options));
  expect(read).toEqual([
    { kind: "text", seq: 0, text: "zero" },
    { kind: "text", seq: 1, text: "one" },
  ]);
});

test("a number that its publisher has left is passed over", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const url = host.url("a-control");
  await host.make("a-control", "application/json");
  const stop = new AbortController();
  const messages = readMessages({ url }, { signal: stop.signal, maxBytes: 100, start: 0 });
  const first = messages.next();
  await waitFor("the reader", () => host.pending() > 0);
  await post(url, 1, "one");
  await post(url, 2, "two");
  expect((await first).value).toEqual({ kind: "text", seq: 1, text: "one" });
  expect((await messages.next()).value).toEqual({ kind: "text", seq: 2, text: "two" });
  stop.abort();
});

test("what was written before the channel was read is read, if asked for", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const url = host.url("a-control");
  await host.make("a-control", "application/json");
  for (let seq = 0; seq < 7; seq++) await post(url, seq, `${seq}`);
  const stop = new AbortController();
  const messages = readMessages({ url }, { signal: stop.signal, maxBytes: 100, start: 0 });
  const seen: unknown[] = [];
  for (let n = 0; n < 5; n++) seen.push(((await messages.next()).value as { seq: number }).seq);
  expect(seen).toEqual([2, 3, 4, 5, 6]);
  stop.abort();
});

test("reading survives a restart of the server, also if it counts from zero again", async () => {
  const first = hostTrickle({ autoCreate: false });
  const url = first.url("a-control");
  await first.make("a-control", "application/json");
  const stop = new AbortController();
  const read: string[] = [];
  const reading = (async () => {
    for await (const message of readMessages({ url }, { signal: stop.signal, maxBytes: 1000 }))
      if (message.kind === "text") read.push(message.text);
  })();
  await waitFor("the reader", () => first.pending() > 0);
  await post(url, 0, "one");
  await post(url, 1, "two");
  await waitFor("both", () => read.length === 2);
  await first[Symbol.asyncDispose]();
  await using second = hostTrickle({ autoCreate: false }, first.port);
  await second.make("a-control", "application/json");
  await waitFor("the third", async () => {
    await post(url, -1, "three");
    return read.includes("three");
  });
  await fetch(url, { method: "DELETE" });
  await reading;
  expect(read.slice(0, 3)).toEqual(["one", "two", "three"]);
});

test("a channel that never existed is refused; an abort ends reading with its reason", async () => {
  await using host = hostTrickle({ autoCreate: false });
  const signal = new AbortController().signal;
  const none = readMessages({ url: host.url("none") }, { signal, maxBytes: 1000 });
  await expect(none.next()).rejects.toMatchObject({ kind: "channel_refused" });
  const url = host.url("a-control");
  await host.make("a-control", "application/json");
  const stop = new AbortController();
  const next = readMessages({ url }, { signal: stop.signal, maxBytes: 1000 }).next();
  await waitFor("the reader", () => host.pending() > 0);
  stop.abort(new Error("enough"));
  await expect(next).rejects.toThrow("enough");
});

test("a channel whose segments are refused is lost at once; one whose segments are missing is retried, ever more slowly", async () => {
  for (const status of [400, 401, 403]) {
    await using peer = await faultyPeer(({ path, answer }) =>
      path === "/next" ? answer(200, { "Lp-Trickle-Latest": 1 }) : answer(status, {}, "no"),
    );
    const { signal } = new AbortController();
    const reading = readMessages({ url: peer.url }, { signal, maxBytes: 1000 }).next();
    const failure = await reading.catch((error: unknown) => error);
    expect(failure).toMatchObject({
      kind: "input_lost",
      message: expect.stringContaining(`${status}`),
    });
    expect(peer.seen).toEqual(["GET /next", "GET /0"]);
  }
  await using missing = await faultyPeer(({ path, answer }) =>
    path === "/next" ? answer(200, { "Lp-Trickle-Latest": 1 }) : answer(404, {}, "not found"),
  );
  const { signal } = new AbortController();
  const options = { signal, maxBytes: 1000, giveUpMs: 500 };
  const reading = readMessages({ url: missing.url }, options).next();
  const failure = await reading.catch((error: unknown) => error);
  expect(failure).toMatchObject({ kind: "input_lost" });
  expect(missing.seen.length).toBeGreaterThan(2);
  expect(missing.seen.length).toBeLessThan(40);
});
