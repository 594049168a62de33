/** The subscriber's half of protocol.md 4.3 against a peer that misbehaves. */
import { afterEach, expect, test } from "bun:test";
import { openRequests } from "../../src/trickle/client/request.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { readSegments, type SeenSegment } from "../support/trickle-channel.ts";
import { faultyPeer } from "../support/trickle-faults.ts";
import { waitFor } from "../support/wait-for.ts";

afterEach(() => waitFor("no request is left open", () => openRequests() === 0));

const closed = { "Lp-Trickle-Closed": "terminated" };
const whole = (seq: number, text: string): SeenSegment => ({ seq, text, complete: true });

test("empty segments are skipped, a missing number is the next one, the closed header ends the stream", async () => {
  await using peer = await faultyPeer(({ path, answer }) => {
    if (path === "/3") return answer(200, { "Lp-Trickle-Seq": 3 }, "three");
    if (path === "/4") return answer(200, { "Lp-Trickle-Seq": 4, "Lp-Trickle-Latest": 5 });
    if (path === "/5") return answer(200, {}, "five");
    answer(200, closed);
  });
  expect(await readSegments(peer.url, undefined, { start: 3 })).toEqual([
    whole(3, "three"),
    whole(5, "five"),
  ]);
  expect(peer.seen).toEqual(["GET /3", "GET /4", "GET /5", "GET /6"]);
});

test("a 470 ahead of us is followed at once", async () => {
  await using peer = await faultyPeer(({ path, answer }) => {
    if (path === "/3") return answer(470, { "Lp-Trickle-Seq": 3, "Lp-Trickle-Latest": 9 });
    if (path === "/9") return answer(200, { "Lp-Trickle-Seq": 9 }, "nine");
    answer(200, closed);
  });
  expect(await readSegments(peer.url, undefined, { start: 3 })).toEqual([whole(9, "nine")]);
  expect(peer.seen).toEqual(["GET /3", "GET /9", "GET /10"]);
});

test("a 470 that led too far ahead is followed back at once, if nothing is read twice", async () => {
  await using peer = await faultyPeer(({ path, answer }) => {
    if (path === "/3") return answer(200, { "Lp-Trickle-Seq": 3 }, "three");
    if (path === "/4") return answer(470, { "Lp-Trickle-Seq": 4, "Lp-Trickle-Latest": 9 });
    if (path === "/9") return answer(470, { "Lp-Trickle-Seq": 9, "Lp-Trickle-Latest": 5 });
    if (path === "/5") return answer(200, { "Lp-Trickle-Seq": 5 }, "five");
    answer(200, closed);
  });
  expect(await readSegments(peer.url, undefined, { start: 3 })).toEqual([
    whole(3, "three"),
    whole(5, "five"),
  ]);
  expect(peer.seen).toEqual(["GET /3", "GET /4", "GET /9", "GET /5", "GET /6"]);
});

test("a 470 behind us is waited for, and followed back after two seconds", async () => {
  await using peer = await faultyPeer(({ path, earlier, answer }) => {
    const missing = { "Lp-Trickle-Seq": 8, "Lp-Trickle-Latest": 2 };
    if (path === "/8" && earlier < 2) return answer(470, missing);
    if (path === "/8") return answer(200, { "Lp-Trickle-Seq": 8 }, "eight");
    if (path === "/9") return answer(470, { "Lp-Trickle-Seq": 9, "Lp-Trickle-Latest": 2 });
    if (path === "/2") return answer(200, { "Lp-Trickle-Seq": 2 }, "two");
    answer(200, closed);
  });
  const began = performance.now();
  expect(await readSegments(peer.url, undefined, { start: 8 })).toEqual([
    whole(8, "eight"),
    whole(2, "two"),
  ]);
  expect(performance.now() - began).toBeGreaterThan(2500);
});

test("5xx and resets before the first byte are retried five times in a row, and for at least the given time", async () => {
  await using peer = await faultyPeer(({ path, earlier, answer, reset }) => {
    if (path === "/0" && earlier === 0) return answer(500);
    if (path === "/0" && earlier === 1) return reset();
    if (path === "/0") return answer(200, { "Lp-Trickle-Seq": 0 }, "zero");
    answer(502, {}, "down");
  });
  const seen: SeenSegment[] = [];
  const reading = readSegments(peer.url, undefined, { start: 0, giveUpMs: 0 }, seen);
  await expect(reading).rejects.toMatchObject({
    kind: "input_lost",
    message: expect.stringContaining("502 down"),
  });
  expect(seen).toEqual([whole(0, "zero")]);
  expect(peer.seen.filter((name) => name === "GET /1")).toHaveLength(5);
});

test("a server that answered before and restarts is waited for; one that never answered is not", async () => {
  await using peer = await faultyPeer(({ path, earlier, answer, reset }) => {
    if (path === "/0") return answer(200, { "Lp-Trickle-Seq": 0 }, "zero");
    if (path === "/1" && earlier < 6) return reset();
    if (path === "/1") return answer(200, { "Lp-Trickle-Seq": 1 }, "one");
    answer(404);
  });
  const seen: SeenSegment[] = [];
  await readSegments(peer.url, undefined, { start: 0 }, seen);
  expect(seen).toEqual([whole(0, "zero"), whole(1, "one")]);
  await using silent = await faultyPeer(({ reset }) => reset());
  const reading = readSegments(silent.url, undefined, { start: 0 }, []);
  await expect(reading).rejects.toMatchObject({ kind: "input_lost" });
  expect(silent.seen).toHaveLength(5);
});

test("a segment that breaks off is marked, and the next one follows", async () => {
  await using peer = await faultyPeer(({ path, response, answer, reset }) => {
    if (path === "/0") {
      response.writeHead(200, { "Lp-Trickle-Seq": 0 });
      response.write("half", () => setTimeout(reset, 20));
    } else if (path === "/1") answer(200, { "Lp-Trickle-Seq": 1 }, "one");
    else answer(200, closed);
  });
  expect(await readSegments(peer.url, undefined, { start: 0 })).toEqual([
    { seq: 0, text: "half", complete: false },
    whole(1, "one"),
  ]);
});

test("404 is terminal for a channel that never existed", async () => {
  await using peer = await faultyPeer(({ answer }) => answer(404, {}, "Stream not found"));
  await expect(readSegments(peer.url)).rejects.toMatchObject({
    kind: "input_lost",
    message: expect.stringContaining("404 Stream not found"),
  });
  expect(peer.seen).toEqual(["GET /-2"]);
});

test("a known channel that keeps answering 404 has ended", async () => {
  await using peer = await faultyPeer(({ answer }) => answer(404, {}, "Stream not found"));
  expect(await readSegments(peer.url, undefined, { known: true })).toEqual([]);
});

test("a known channel that answers 404 once is read further", async () => {
  await using peer = await faultyPeer(({ path, earlier, answer }) => {
    if (path === "/0") return answer(200, { "Lp-Trickle-Seq": 0 }, "zero");
    if (path === "/1" && earlier === 0) return answer(404, {}, "Stream not found");
    if (path === "/1") return answer(200, { "Lp-Trickle-Seq": 1 }, "one");
    answer(200, closed);
  });
  expect(await readSegments(peer.url, undefined, { start: 0 })).toEqual([
    whole(0, "zero"),
    whole(1, "one"),
  ]);
});

test("a consumer that is busy for longer than the read timeout loses nothing of a segment that was overtaken", async () => {
  await using peer = await faultyPeer(({ path, response, answer }) => {
    if (path === "/0") {
      response.writeHead(200, { "Lp-Trickle-Seq": 0 });
      let pieces = 0;
      const more = setInterval(() => {
        response.write(Buffer.alloc(100_000));
        if (++pieces < 4) return;
        clearInterval(more);
        response.end();
      }, 30);
    } else if (path === "/1") answer(200, { "Lp-Trickle-Seq": 1 }, "one");
    else answer(200, closed);
  });
  const signal = new AbortController().signal;
  const options = { signal, start: 0, readTimeoutMs: 600, queueBytes: 1 };
  let [received, complete] = [0, false];
  for await (const chunk of subscribe(peer, options)) {
    if (chunk.seq !== 0) continue;
    if (received === 0) await Bun.sleep(1000); // longer than readTimeoutMs
    received += chunk.data.byteLength;
    if (chunk.last) complete = chunk.complete;
  }
  expect([received, complete]).toEqual([400_000, true]);
});

test("400 is terminal also for a channel that answered before", async () => {
  await using peer = await faultyPeer(({ path, answer }) => {
    if (path === "/0") return answer(200, { "lp-trickle-seq": 0 }, "zero");
    answer(400, {}, "Invalid idx");
  });
  const seen: SeenSegment[] = [];
  const reading = readSegments(peer.url, undefined, { start: 0 }, seen);
  await expect(reading).rejects.toMatchObject({
    kind: "input_lost",
    message: expect.stringContaining("400 Invalid idx"),
  });
  expect(seen).toEqual([whole(0, "zero")]);
  expect(peer.seen).toEqual(["GET /0", "GET /1"]);
});

test.each<[string, number, Record<string, string>, string[]]>([
  ["the header", 200, closed, ["GET /1"]],
  ["a repeated 404", 404, {}, ["GET /1", "GET /1"]],
])(
  "a channel that closes in mid-body ends with what has come, told by %s",
  async (_by, status, headers, asked) => {
    const half = Promise.withResolvers<() => void>();
    await using peer = await faultyPeer(async ({ path, response, answer }) => {
      if (path === "/0") {
        response.writeHead(200, { "Lp-Trickle-Seq": 0 });
        response.write("half");
        half.resolve(() => void response.end());
      } else {
        const end = await half.promise;
        end();
        answer(status, headers);
      }
    });
    expect(await readSegments(peer.url, undefined, { start: 0 })).toEqual([whole(0, "half")]);
    expect(peer.seen).toEqual(["GET /0", ...asked]);
  },
);

test("a reader that is too far behind jumps to the newest segment, unless it is to read all", async () => {
  const script = ({ path, answer }: { path: string; answer: (...a: never[]) => void }) => {
    const say = answer as (status: number, headers: object, text?: string) => void;
    if (path === "/1") return say(200, { "Lp-Trickle-Seq": 1, "Lp-Trickle-Latest": 5 }, "one");
    if (path === "/-2") return say(200, { "Lp-Trickle-Seq": 4, "Lp-Trickle-Latest": 5 }, "four");
    say(200, closed);
  };
  await using live = await faultyPeer(script);
  expect(await readSegments(live.url, undefined, { start: 1 })).toEqual([whole(4, "four")]);
  await using all = await faultyPeer(script);
  const options = { start: 1, maxLag: Number.POSITIVE_INFINITY };
  expect(await readSegments(all.url, undefined, options)).toEqual([whole(1, "one")]);
});

test("a waiting GET is replaced at intervals", async () => {
  await using peer = await faultyPeer(({ path, earlier, answer }) => {
    if (path === "/0" && earlier < 3) return; // Silence.
    if (path === "/0") return answer(200, { "Lp-Trickle-Seq": 0 }, "at last");
    answer(200, closed);
  });
  const options = { start: 0, refreshMs: 100 };
  expect(await readSegments(peer.url, undefined, options)).toEqual([whole(0, "at last")]);
  await waitFor("the old connections are closed", () => peer.sockets.size === 0);
});

test("a segment whose publisher is gone is abandoned once a later one has begun", async () => {
  await using peer = await faultyPeer(({ path, response, answer }) => {
    if (path === "/0") {
      response.writeHead(200, { "Lp-Trickle-Seq": 0 });
      response.write("left");
    } else if (path === "/1") answer(200, { "Lp-Trickle-Seq": 1 }, "one");
    else answer(200, closed);
  });
  const options = { start: 0, readTimeoutMs: 500 };
  expect(await readSegments(peer.url, undefined, options)).toEqual([
    { seq: 0, text: "left", complete: false },
    whole(1, "one"),
  ]);
});

test("an abort and a cancel close every socket at once", async () => {
  await using peer = await faultyPeer(({ path, response }) => {
    if (path !== "/0") return;
    response.writeHead(200, { "Lp-Trickle-Seq": 0 });
    response.write("x");
  });
  for (const leave of ["abort", "cancel"]) {
    const stop = new AbortController();
    const reader = subscribe(peer, { signal: stop.signal, start: 0 }).getReader();
    expect((await reader.read()).value?.seq).toBe(0);
    await waitFor("the next is asked for", () => peer.sockets.size === 2);
    if (leave === "abort") {
      stop.abort(new Error("enough"));
      await expect(reader.read()).rejects.toThrow("enough");
    } else {
      await reader.cancel();
    }
    await waitFor("sockets are closed", () => peer.sockets.size === 0);
  }
});

test("a consumer that does not read stops the socket at the queue's limit", async () => {
  let written = 0;
  await using peer = await faultyPeer(({ path, response }) => {
    if (path !== "/0") return;
    response.writeHead(200, { "Lp-Trickle-Seq": 0 });
    const more = (): void => {
      do written += 65536;
      while (written < 200e6 && response.write(Buffer.alloc(65536)));
      response.once("drain", more);
    };
    more();
  });
  const stop = new AbortController();
  const queueBytes = 1024 * 1024;
  const stream = subscribe(peer, { signal: stop.signal, start: 0, queueBytes });
  let before = -1;
  await waitFor("the peer is held", async () => {
    const still = written === before && written > 0;
    before = written;
    await Bun.sleep(100);
    return still;
  });
  expect(written).toBeLessThan(40e6);
  stop.abort();
  await expect(stream.getReader().closed).rejects.toThrow();
});
