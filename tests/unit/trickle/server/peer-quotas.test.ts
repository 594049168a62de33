/** What each peer may use of the embedded server, and that nothing it does keeps the rest from others. */
import { expect, test } from "bun:test";
import type { TricklePeer } from "../../../../src/trickle/server/peer-quotas.ts";
import {
  TrickleServer,
  type TrickleServerOptions,
} from "../../../../src/trickle/server/trickle-server.ts";
import { OWN } from "../../../support/trickle-host.ts";
import { waitFor } from "../../../support/wait-for.ts";

const TRUSTED: TricklePeer = { ...OWN, kind: "trusted" };
const remote = (address: string): TricklePeer => ({ ...OWN, address, kind: "remote" });
const [ALICE, BOB] = [remote("203.0.113.1"), remote("203.0.113.2")];

const serve = (options: Partial<TrickleServerOptions> = {}) =>
  new TrickleServer({ autoCreate: true, ...options });

interface CallOptions {
  readonly body?: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  readonly signal?: AbortSignal;
}

function call(
  server: TrickleServer,
  peer: TricklePeer,
  method: string,
  path: string,
  { body, signal }: CallOptions = {},
): Promise<Response> {
  const request = { method, ...(body && { body }), ...(signal && { signal }) };
  return server.handle(new Request(`http://trickle.test/${path}`, request), path, peer);
}
const create = async (server: TrickleServer, peer: TricklePeer, name: string) =>
  (await call(server, peer, "POST", name)).status;
const store = async (server: TrickleServer, peer: TricklePeer, path: string, bytes: number) =>
  (await call(server, peer, "POST", path, { body: new Uint8Array(bytes) })).status;
const silence = () => new ReadableStream<Uint8Array>({});

/** Creates channels until one is refused; returns how many there are of the peer's. */
async function fill(server: TrickleServer, peer: TricklePeer, prefix: string): Promise<number> {
  for (let n = 0; ; n++) if ((await create(server, peer, `${prefix}${n}`)) !== 200) return n;
}

test("a remote address has 32 channels, all others together 96, the server's own streams the rest", async () => {
  using server = serve();
  expect(await fill(server, ALICE, "a")).toBe(32);
  const refused = await call(server, ALICE, "POST", "one-more");
  expect([refused.status, await refused.text()]).toEqual([
    429,
    "Too many channels from this address: at most 32",
  ]);
  expect(await fill(server, BOB, "b")).toBe(32);
  expect(await fill(server, TRUSTED, "_")).toBe(32);
  expect(await fill(server, remote("203.0.113.3"), "c")).toBe(0);
  expect(await fill(server, OWN, "own")).toBe(32);
  expect(server.channels).toBe(128);
});

test("trusted peers are limited by the share of all peers only", async () => {
  using server = serve();
  expect(await fill(server, TRUSTED, "_")).toBe(96);
  expect(await create(server, OWN, "own")).toBe(200);
});

test("a channel that is deleted can be created again by others", async () => {
  using server = serve();
  await fill(server, ALICE, "a");
  await call(server, BOB, "DELETE", "a0");
  expect(await fill(server, ALICE, "again")).toBe(1);
});

test("an address holds half of the bytes, all others together three quarters, the server's own streams the rest", async () => {
  const kib = 1024;
  using server = serve({ maxTotalBytes: 64 * kib });
  for (const path of ["a/0", "a/1"]) expect(await store(server, ALICE, path, 16 * kib)).toBe(200);
  expect(await store(server, ALICE, "a/2", 16 * kib)).toBe(429);
  expect(await store(server, BOB, "b/0", 16 * kib)).toBe(200);
  expect(await store(server, BOB, "b/1", 16 * kib)).toBe(507);
  expect(await store(server, OWN, "own/0", 16 * kib)).toBe(200);
  expect(server.bytes).toBe(64 * kib);
});

test("bytes written into another peer's channel are charged to the writer", async () => {
  const kib = 1024;
  using server = serve({ maxTotalBytes: 64 * kib });
  await create(server, OWN, "own");
  for (let n = 0; n < 5; n++) await store(server, ALICE, `own/${n}`, 16 * kib);
  expect(server.bytes).toBe(32 * kib);
  expect(await store(server, OWN, "own/5", 16 * kib)).toBe(200);
});

test("open requests are limited: waiting readers, silent publishers, half-sent segments", async () => {
  using server = serve({ maxRequests: 16 });
  const open: Promise<Response>[] = [];
  await create(server, OWN, "own");
  const half = () => new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(new Uint8Array(1)) });
  open.push(call(server, ALICE, "GET", "own/0"));
  // Its segment is closed at the end of the test, its body is not: it would be read on.
  void call(server, ALICE, "POST", "own/0", { body: half() });
  for (const [method, path] of [
    ["GET", "own/1"],
    ["POST", "own/1"],
  ] as const) {
    const refused = await call(server, ALICE, method, path);
    expect([refused.status, await refused.text()]).toEqual([
      429,
      "Too many open requests from this address: at most 2",
    ]);
  }
  for (let n = 0; n < 10; n++)
    open.push(call(server, TRUSTED, "POST", "own/1", { body: silence() }));
  expect((await call(server, BOB, "GET", "own/1")).status).toBe(429);
  expect(await store(server, OWN, "own/2", 10)).toBe(200);
  server[Symbol.dispose]();
  await Promise.all(open);
});

test("a request that has ended in any way makes room for another", async () => {
  using server = serve({ maxRequests: 8 }); // one for an address
  const leave = new AbortController();
  const waiting = call(server, ALICE, "GET", "none/0");
  expect((await waiting).status).toBe(404);
  await store(server, OWN, "own/0", 10);
  const aborted = call(server, ALICE, "GET", "own/1", { signal: leave.signal });
  leave.abort();
  await aborted;
  expect((await call(server, ALICE, "GET", "own/9")).status).toBe(470);
  expect(await store(server, ALICE, "own/1", 10)).toBe(200);
  const gone = new ReadableStream<Uint8Array>({ start: (c) => c.error(new Error("gone")) });
  expect((await call(server, ALICE, "POST", "own/2", { body: gone })).status).toBe(500);
  const read = await call(server, ALICE, "GET", "own/0");
  expect((await call(server, ALICE, "GET", "own/1")).status).toBe(429);
  expect((await read.bytes()).byteLength).toBe(10);
  const left = await call(server, ALICE, "GET", "own/1");
  await left.body?.cancel();
  expect((await call(server, ALICE, "GET", "own/1")).status).toBe(200);
});

test("an IPv6 subscriber is one peer with all of its addresses, and an IPv4 address is one in either form", async () => {
  using server = serve();
  expect(await fill(server, remote("2001:db8:1:2::1"), "a")).toBe(32);
  expect(await create(server, remote("2001:db8:1:2:ffff::9"), "same")).toBe(429);
  expect(await create(server, remote("2001:db8:1:3::1"), "other")).toBe(200);
  expect(await fill(server, remote("203.0.113.1"), "b")).toBe(32);
  expect(await create(server, remote("::ffff:203.0.113.1"), "same")).toBe(429);
});

test("every idle channel is closed, whatever its name, and its waiting requests end", async () => {
  using server = serve({ idleMs: 20, sweepMs: 10 });
  await fill(server, TRUSTED, "_");
  const waiting = call(server, ALICE, "GET", "_0/0");
  const silent = call(server, ALICE, "POST", "_1/0", { body: silence() });
  await waitFor("the sweep", () => server.channels === 0);
  for (const response of [await waiting, await silent])
    expect(response.headers.get("Lp-Trickle-Closed")).toBe("terminated");
});

test("a channel is not idle while it receives bytes, even within one segment, or while an engine of this server is connected", async () => {
  using server = serve({ idleMs: 400, sweepMs: 10 });
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
  });
  void call(server, ALICE, "POST", "live/0", { body });
  void call(server, OWN, "POST", "own/0", { body: silence() });
  await create(server, ALICE, "idle");
  const write = setInterval(() => controller.enqueue(new Uint8Array(1)), 10);
  await waitFor("the sweep", () => server.channels === 2);
  await Bun.sleep(500); // more than idleMs after it
  clearInterval(write);
  expect(server.channels).toBe(2);
  await waitFor("the end of the one that is silent", () => server.channels === 1);
});
