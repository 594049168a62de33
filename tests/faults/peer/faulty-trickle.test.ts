/** What a worker sees of each fault of a trickle server, and that a path works again once it is cleared. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { hostTrickle } from "../../support/trickle-host.ts";
import { waitFor } from "../../support/wait-for.ts";
import { FaultPath } from "./fault-path.ts";
import { TRICKLE_FAULTS, type TrickleFault } from "./faulty-trickle.ts";

const host = hostTrickle();
const TEXT = [0, 1, 2].map((n) => `segment ${n} `.repeat(50));
let path: FaultPath;
beforeAll(async () => {
  path = await FaultPath.open({ target: `http://127.0.0.1:${host.port}` });
  for (const [n, body] of TEXT.entries())
    await fetch(`${host.url("a")}/${n}`, { method: "POST", body });
});
afterAll(async () => {
  await path[Symbol.asyncDispose]();
  await host[Symbol.asyncDispose]();
});

/** Long enough to see that a connection is open and that nothing comes. */
const SILENCE_MS = 200;
const SILENT: readonly string[] = ["stall", "half_open"];

/** Status, sequence number and body of an answer, or how it failed. */
async function seen(suffix: string, init: BunFetchRequestInit = {}): Promise<string> {
  try {
    const response = await fetch(path.through(`${host.url("a")}/${suffix}`), {
      ...init,
      keepalive: false,
    });
    const { status, headers } = response;
    const seq = headers.get("lp-trickle-seq") ?? headers.get("lp-trickle-latest");
    const body = await response.text().catch(() => "broken");
    return `${status} ${seq} ${body}`;
  } catch (error) {
    const { code, name } = error as Error & { readonly code?: unknown };
    return name === "TimeoutError" ? "silence" : String(code);
  }
}

const limitOf = (fault: string | null) =>
  SILENT.includes(fault ?? "") ? { signal: AbortSignal.timeout(SILENCE_MS) } : {};
const get = (seq: number, fault: string | null = null) => seen(`${seq}`, limitOf(fault));
const post = (fault: string) => seen("9", { method: "POST", body: "nine", ...limitOf(fault) });

const same = `200 1 ${TEXT[1]}`;
const stored = "200 9 ";
/** What GET of segment 1 and POST of a segment give. */
const SEEN: Partial<Record<TrickleFault, readonly [get: string, post: string]>> = {
  refuse: ["ECONNREFUSED", "ECONNREFUSED"],
  reset: ["200 1 broken", "ECONNRESET"],
  stall: ["silence", "silence"],
  half_open: ["silence", "silence"],
  status_404: ["404 null Stream not found", "404 null Stream not found"],
  status_500: ["500 null failed", "500 null failed"],
  status_503: ["503 null too many stream requests", "503 null too many stream requests"],
  status_470_older: ["470 1 ", "470 9 "],
  status_470_newer: ["470 1 ", "470 9 "],
  empty: ["200 1 ", stored],
  continue: [same, stored],
  garbage: ["Malformed_HTTP_Response", "Malformed_HTTP_Response"],
  handshake_cut: ["ECONNRESET", "ECONNRESET"],
  seq_missing: [`200 null ${TEXT[1]}`, "200 null "],
  seq_negative: [`200 -7 ${TEXT[1]}`, "200 -7 "],
  seq_huge: [`200 999999999999999 ${TEXT[1]}`, "200 999999999999999 "],
  length_short: [`200 1 ${TEXT[1]?.slice(0, 100)}`, stored],
  length_long: ["200 1 broken", "200 9 broken"],
};

test.each(Object.entries(SEEN))(
  "%s is seen on the wire, and is over when it is cleared",
  async (fault, [got, posted]) => {
    await path.set(fault as TrickleFault);
    expect([await get(1, fault), await post(fault)]).toEqual([got, posted]);
    await path.clear();
    expect(await get(1)).toBe(same);
    await waitFor("no connection is left", () => path.open === 0);
  },
);

test("slow, late, duplicate and early_close change when bodies come, which, and how much of them", async () => {
  const since = performance.now();
  await path.set("slow");
  expect(await get(1)).toBe(same);
  await path.set("duplicate");
  expect(new Set([await get(1), await get(1)])).toEqual(new Set([same, `200 0 ${TEXT[0]}`]));
  await path.set("early_close");
  const endless = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("nine")),
  });
  expect(await seen("9", { method: "POST", body: endless })).toBe(stored);
  await path.clear();
  expect(performance.now() - since).toBeGreaterThan(200);
});

test("a stalled connection goes on when the fault is cleared, a half-open one never does", async () => {
  await path.set("stall");
  const stalled = fetch(path.through(`${host.url("a")}/1`), { keepalive: false });
  await waitFor("it is connected", () => path.open === 1);
  await path.clear();
  expect(await (await stalled).text()).toBe(TEXT[1] ?? "");
  await path.set("half_open");
  const dead = fetch(path.through(`${host.url("a")}/1`), { keepalive: false }).catch(() => "cut");
  await waitFor("it is connected", () => path.open === 1);
  expect(await get(1, "half_open")).toBe("silence");
  await path.clear();
  expect(await get(1)).toBe(same);
  await waitFor("only the dead one is open", () => path.open === 1);
  path.cutOpen();
  expect(await dead).toBe("cut");
});

test("every fault without TLS is tried here", () => {
  const tried = [...Object.keys(SEEN), "slow", "late", "duplicate", "early_close", "certificate"];
  expect(new Set(tried)).toEqual(new Set(TRICKLE_FAULTS));
});
