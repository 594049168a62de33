/** The embedded server's answers (protocol.md 4.1, 4.2), request by request, without sockets. */
import { expect, test } from "bun:test";
import type { TricklePeer } from "../../../../src/trickle/server/peer-quotas.ts";
import {
  TrickleServer,
  type TrickleServerOptions,
} from "../../../../src/trickle/server/trickle-server.ts";
import { OWN } from "../../../support/trickle-host.ts";
import { waitFor } from "../../../support/wait-for.ts";

const serve = (options: Partial<TrickleServerOptions> = {}) =>
  new TrickleServer({ autoCreate: true, ...options });

const call = (
  server: TrickleServer,
  method: string,
  path: string,
  body?: string | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
  peer: TricklePeer = OWN,
): Promise<Response> =>
  server.handle(
    new Request(`http://trickle.test/${path}`, { method, headers, ...(body ? { body } : {}) }),
    path,
    peer,
  );

/** A body that is fed by hand. */
function feed() {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
  });
  return {
    body,
    write: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    vanish: () => controller.error(new Error("gone")),
  };
}

const trickle = ({ status, headers }: Response) => ({
  status,
  seq: headers.get("Lp-Trickle-Seq"),
  latest: headers.get("Lp-Trickle-Latest"),
  closed: headers.get("Lp-Trickle-Closed"),
});
const seen = (
  status: number,
  seq: string | null,
  latest: string | null = null,
  closed: string | null = null,
) => ({ status, seq, latest, closed });
/** Lets every promise that can go on do so. */
const settle = () => Bun.sleep(0);

test("a segment is answered with its number, its channel's type and, once others follow, the latest", async () => {
  using server = serve();
  await call(server, "POST", "a", undefined, { "Expect-Content": "video/mp4" });
  const posted = await call(server, "POST", "a/0", "zero", { "Content-Type": "text/other" });
  expect(trickle(posted)).toEqual(seen(200, "0"));
  const got = await call(server, "GET", "a/0");
  expect(trickle(got)).toEqual(seen(200, "0", "1"));
  expect(got.headers.get("Content-Type")).toBe("video/mp4");
  expect(await got.text()).toBe("zero");
});

test("a waiting reader gets nothing before the first byte, then every byte as it comes", async () => {
  using server = serve();
  const { body, write, end } = feed();
  const posting = call(server, "POST", "a/0", body);
  let answered = false;
  const getting = call(server, "GET", "a/-1").finally(() => {
    answered = true;
  });
  await settle();
  expect(answered).toBe(false);
  write("one");
  const got = await getting;
  expect(trickle(got)).toEqual(seen(200, "0"));
  const reader = (got.body as ReadableStream<Uint8Array>).getReader();
  const text = async () => new TextDecoder().decode((await reader.read()).value);
  expect(await text()).toBe("one");
  write("two");
  expect(await text()).toBe("two");
  const joined = await call(server, "GET", "a/-2");
  end();
  expect((await reader.read()).done).toBe(true);
  expect(await joined.text()).toBe("onetwo");
  expect(trickle(await posting)).toEqual(seen(200, "0"));
});

test("five segments are held; older and later ones are 470 with the latest", async () => {
  using server = serve();
  for (let n = 0; n < 7; n++) await call(server, "POST", `a/${n}`, `${n}`);
  expect(trickle(await call(server, "GET", "a/1"))).toEqual(seen(470, "1", "7"));
  expect(trickle(await call(server, "GET", "a/8"))).toEqual(seen(470, "8", "7"));
  expect(await (await call(server, "GET", "a/2")).text()).toBe("2");
  expect(await (await call(server, "GET", "a/-2")).text()).toBe("6");
  const waiting = call(server, "GET", "a/-1");
  expect(trickle(await call(server, "GET", "a/2"))).toEqual(seen(470, "2", "7"));
  await call(server, "POST", "a/7", "seven");
  expect(await (await waiting).text()).toBe("seven");
});

test("next, -1 and -2 follow what is written, backwards too", async () => {
  using server = serve();
  await call(server, "POST", "a");
  expect(trickle(await call(server, "GET", "a/next"))).toEqual(seen(200, null, "0"));
  await call(server, "POST", "a/9", "nine");
  const next = await call(server, "GET", "a/next");
  expect(await next.text()).toBe("10");
  expect(trickle(await call(server, "POST", "a/-1", "ten"))).toEqual(seen(200, "10"));
  await call(server, "POST", "a/2", "two");
  expect(await (await call(server, "GET", "a/next")).text()).toBe("3");
});

test("seq 1 can be waited for while nothing is written, 2 cannot", async () => {
  using server = serve();
  await call(server, "POST", "a");
  const waiting = call(server, "GET", "a/1");
  expect((await call(server, "GET", "a/2")).status).toBe(470);
  await call(server, "POST", "a/1", "one");
  expect(await (await waiting).text()).toBe("one");
});

test("an empty segment, also one that was deleted, is an empty 200 with the latest and no type", async () => {
  using server = serve();
  const { body } = feed();
  const waiting = call(server, "GET", "a/0").then(trickle);
  await call(server, "POST", "a", undefined, { "Expect-Content": "text/plain" });
  expect(await waiting).toEqual(seen(404, null));
  await call(server, "POST", "a/0");
  const empty = await call(server, "GET", "a/0");
  expect(trickle(empty)).toEqual(seen(200, "0", "1"));
  expect(empty.headers.get("Content-Type")).toBeNull();
  const posting = call(server, "POST", "a/1", body);
  const reading = call(server, "GET", "a/1");
  expect((await call(server, "DELETE", "a/1")).status).toBe(200);
  expect(trickle(await posting)).toEqual(seen(200, "1"));
  expect(trickle(await reading)).toMatchObject({ status: 200, seq: "1", closed: null });
  expect(await (await call(server, "GET", "a/next")).text()).toBe("2");
});

test("posting a finished segment again keeps its bytes and moves the next number back", async () => {
  using server = serve();
  for (let n = 0; n < 4; n++) await call(server, "POST", `a/${n}`, `${n}`);
  expect(trickle(await call(server, "POST", "a/1", "other"))).toEqual(seen(200, "1"));
  expect(await (await call(server, "GET", "a/1")).text()).toBe("1");
  expect(await (await call(server, "GET", "a/next")).text()).toBe("2");
});

test("a reset closes what lies before and leaves what is connected ahead", async () => {
  using server = serve();
  const old = feed();
  const posting = call(server, "POST", "a/3", old.body);
  old.write("left");
  await waitFor("it has begun", () => server.bytes > 0);
  const reading = (await call(server, "GET", "a/3")).text();
  const ahead = feed();
  const aheadPosting = call(server, "POST", "a/5", ahead.body);
  await call(server, "POST", "a/4", "four", { "Lp-Trickle-Reset": "1" });
  expect(await reading).toBe("left");
  ahead.write("five");
  ahead.end();
  await aheadPosting;
  expect(await (await call(server, "GET", "a/5")).text()).toBe("five");
  old.end();
  expect((await posting).status).toBe(200);
});

test("a publisher that vanishes leaves its segment open until it is deleted", async () => {
  using server = serve();
  const { body, write, vanish } = feed();
  const posting = call(server, "POST", "a/0", body);
  write("half");
  await waitFor("it has begun", () => server.bytes > 0);
  const reading = (await call(server, "GET", "a/0")).text();
  vanish();
  expect((await posting).status).toBe(500);
  expect(await Promise.race([reading, settle().then(() => "still open")])).toBe("still open");
  await call(server, "DELETE", "a/0");
  expect(await reading).toBe("half");
});

test("closing a channel tells requests that got nothing, ends the others, and removes it", async () => {
  using server = serve();
  const running = feed();
  const midBody = call(server, "POST", "a/0", running.body);
  running.write("x");
  await waitFor("it has begun", () => server.bytes > 0);
  const reading = (await call(server, "GET", "a/0")).text();
  const silent = call(server, "POST", "a/1", feed().body);
  const waiting = call(server, "GET", "a/1");
  await settle();
  expect((await call(server, "DELETE", "a")).status).toBe(200);
  expect(trickle(await silent)).toEqual(seen(200, "1", null, "terminated"));
  expect(trickle(await waiting)).toEqual(seen(200, "1", null, "terminated"));
  expect(await reading).toBe("x");
  running.end();
  expect(trickle(await midBody)).toEqual(seen(200, "0"));
  expect((await call(server, "GET", "a/0")).status).toBe(404);
  expect((await call(server, "DELETE", "a")).status).toBe(400);
  expect([server.channels, server.bytes]).toEqual([0, 0]);
});

test("meaningless requests are refused and crash nothing", async () => {
  using server = serve();
  await call(server, "POST", "a");
  const status = async (method: string, path: string) => (await call(server, method, path)).status;
  expect(await status("GET", "a/-3")).toBe(400);
  expect(await status("GET", "a/x")).toBe(400);
  expect(await status("POST", "a/-2")).toBe(400);
  expect(await status("POST", "a/1e3")).toBe(400);
  expect(await status("DELETE", "a/-1")).toBe(400);
  expect(await status("DELETE", "a/3")).toBe(400);
  expect(await status("DELETE", "b/0")).toBe(404);
  expect(await status("GET", "b/0")).toBe(404);
  expect(await status("GET", "a/0/0")).toBe(404);
  expect(await status("GET", "a")).toBe(405);
  expect(await status("PUT", "a/0")).toBe(405);
  expect(await status("POST", "%E0%A4%A")).toBe(400);
  expect(await status("POST", "")).toBe(404);
});

test("strict: only POST /{channel} makes a channel", async () => {
  using server = serve({ autoCreate: false });
  const refused = await call(server, "POST", "a/0", "x");
  expect([refused.status, refused.headers.get("Connection")]).toEqual([404, "close"]);
  expect((await call(server, "POST", "a")).status).toBe(200);
  expect((await call(server, "POST", "a/0", "x")).status).toBe(200);
});

test("beyond the limits: 429 for channels, 413 for a segment, 507 for all memory; stored segments stay readable", async () => {
  using server = serve({ maxChannels: 2, maxSegmentBytes: 10_000, maxTotalBytes: 20_000 });
  expect((await call(server, "POST", "a/0", "a".repeat(10_001))).status).toBe(413);
  for (const path of ["a/1", "b/0"]) {
    expect((await call(server, "POST", path, "x".repeat(9_000))).status).toBe(200);
  }
  expect((await call(server, "POST", "b/1", "x".repeat(9_000))).status).toBe(507);
  expect((await call(server, "POST", "c")).status).toBe(429);
  expect((await (await call(server, "GET", "a/1")).text()).length).toBe(9_000);
  await call(server, "DELETE", "a");
  expect((await call(server, "POST", "b/2", "x".repeat(9_000))).status).toBe(200);
  expect(server.bytes).toBeLessThanOrEqual(20_000);
});

test("names and content types have a limit", async () => {
  using server = serve();
  expect((await call(server, "POST", "n".repeat(600))).status).toBe(200);
  expect((await call(server, "POST", "n".repeat(601))).status).toBe(400);
  const mime = { "Expect-Content": "m".repeat(257) };
  expect((await call(server, "POST", "a", undefined, mime)).status).toBe(400);
  expect(server.channels).toBe(1);
});
