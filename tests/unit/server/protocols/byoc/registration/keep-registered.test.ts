/** Time passes when the test says so: no timers run. */
import { expect, type Mock, spyOn, test } from "bun:test";
import { Admission } from "../../../../../../src/server/admission.ts";
import { keepRegistered } from "../../../../../../src/server/protocols/byoc/registration/keep-registered.ts";
import type { Outcome } from "../../../../../../src/server/protocols/byoc/registration/orchestrator-client.ts";
import { capacityAt } from "../../../../../../src/server/protocols/byoc/registration/readiness.ts";
import { waitFor } from "../../../../../support/wait-for.ts";

const offer = {
  name: "a",
  url: "http://w",
  capacity: 2,
  price_per_unit: 0,
  price_scaling: 1,
  currency: "wei",
  description: "",
};

/** A loop whose waits the test ends; `outcomes` are what the orchestrator answers, the last one for ever. */
function loop(outcomes: Outcome[], admission = new Admission(2), random = 1, share = 1) {
  const stop = new AbortController();
  const waits: { ms: number; end: () => void }[] = [];
  let calls = 0;
  const registered: number[] = [];
  let withdrawn = 0;
  let changed = Promise.withResolvers<void>();
  const readiness = {
    share,
    get changed() {
      return counted(changed.promise);
    },
  };
  const followed = new Set<Mock<Promise<void>["then"]>>();
  /** Counts the reactions that are attached to a promise. */
  const counted = (promise: Promise<void>): Promise<void> => {
    followed.add(spyOn(promise, "then"));
    return promise;
  };
  const entry = {
    client: {
      url: "http://orch",
      register: async ({ capacity }: { capacity: number }) => {
        calls++;
        registered.push(capacity);
        return (outcomes.length > 1 ? outcomes.shift() : outcomes[0]) ?? { kind: "done" as const };
      },
      unregister: async () => {
        withdrawn++;
        return { kind: "done" as const };
      },
    },
    offer,
    held: false,
  };
  const wait = (ms: number, signal: AbortSignal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const one = { ms, end: resolve };
    waits.push(one);
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
    return promise.finally(() => waits.splice(waits.indexOf(one), 1));
  };
  const over = keepRegistered(
    entry,
    { admission, readiness },
    { wait, random: () => random },
    stop.signal,
  );
  /** Ends the one wait there is. */
  const pass = async (ms: number) => {
    await waitFor("a wait", () => waits.length === 1);
    expect(waits[0]?.ms).toBe(ms);
    waits[0]?.end();
    await Bun.sleep(0);
  };
  return {
    entry,
    admission,
    waits,
    pass,
    registered,
    get calls() {
      return calls;
    },
    get withdrawn() {
      return withdrawn;
    },
    get reactions() {
      return [...followed].reduce((sum, { mock }) => sum + mock.calls.length, 0);
    },
    /** The engines that work take this part of the work from now on. */
    share: async (share: number) => {
      readiness.share = share;
      changed.resolve();
      changed = Promise.withResolvers();
      await Bun.sleep(0);
    },
    end: async () => {
      stop.abort();
      await over;
    },
  };
}

const done: Outcome = { kind: "done" };
const unreachable: Outcome = { kind: "unreachable", message: "down" };
const refused: Outcome = { kind: "refused", message: "wrong secret" };

test("an orchestrator that is down is retried for ever, after 1 s at first and 30 s at most", async () => {
  const one = loop([unreachable]);
  for (const ms of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]) await one.pass(ms);
  expect(one.calls).toBe(9);
  expect(one.entry.held).toBe(false);
  await one.end();
});

test("the back-off has jitter and is reset by a success", async () => {
  const one = loop([unreachable, done, unreachable], new Admission(1), 0);
  await one.pass(500);
  await one.pass(60_000);
  await one.pass(500);
  await one.pass(1000);
  await one.end();
});

test("a refused registration is retried every 60 s", async () => {
  const one = loop([refused]);
  for (let n = 0; n < 3; n++) await one.pass(60_000);
  expect(one.calls).toBe(4);
  await one.end();
});

test("an idle server renews its registration every 60 s", async () => {
  const one = loop([done]);
  for (let n = 0; n < 3; n++) await one.pass(60_000);
  expect(one.calls).toBe(4);
  expect(one.entry.held).toBe(true);
  await one.end();
});

test("renewals leave nothing behind on what they wait for", async () => {
  const one = loop([done]);
  for (let n = 0; n < 20; n++) await one.pass(60_000);
  expect(one.reactions).toBeLessThan(4);
  await one.end();
});

test("a busy server does not renew, and renews once when its last work has ended", async () => {
  const admission = new Admission(3);
  const stream = admission.take();
  const one = loop([done], admission);
  await waitFor("registered", () => one.calls === 1);
  expect(one.waits).toEqual([]);
  const job = admission.take();
  stream[Symbol.dispose]();
  await Bun.sleep(0);
  expect(one.waits).toEqual([]);
  job[Symbol.dispose]();
  await one.pass(2000);
  expect(one.calls).toBe(2);
  await one.pass(60_000);
  await one.end();
});

test("work that starts before a renewal postpones it, also while the orchestrator's count settles", async () => {
  const admission = new Admission(3);
  const one = loop([done], admission);
  await waitFor("idle", () => one.waits.length === 1);
  const first = admission.take();
  first[Symbol.dispose]();
  await waitFor("the next wait", () => one.waits[0]?.ms === 2000);
  const second = admission.take();
  await one.pass(2000);
  expect(one.calls).toBe(1);
  second[Symbol.dispose]();
  await one.pass(2000);
  expect(one.calls).toBe(2);
  await one.end();
});

test("it ends at once, whatever it waits for", async () => {
  for (const outcome of [done, refused, unreachable]) {
    const one = loop([outcome]);
    await waitFor("a wait", () => one.waits.length === 1);
    await one.end();
  }
  const admission = new Admission(1);
  admission.take();
  const busy = loop([done], admission);
  await waitFor("registered", () => busy.calls === 1);
  await busy.end();
});

test("a changed capacity is registered as soon as nothing runs", async () => {
  const one = loop([done], new Admission(4));
  await waitFor("registered", () => one.calls === 1);
  await one.share(0.5);
  await waitFor("registered anew", () => one.calls === 2);
  const stream = one.admission.take();
  await one.share(1);
  await one.share(0.01);
  expect(one.calls).toBe(2);
  await one.share(1);
  stream[Symbol.dispose]();
  await one.pass(2000);
  expect(one.registered).toEqual([2, 1, 2]);
  await one.end();
});

test("a short outage of a device changes nothing", async () => {
  const one = loop([done]);
  await waitFor("registered", () => one.calls === 1);
  await one.share(0);
  await one.share(1);
  await one.pass(60_000);
  expect([one.calls, one.withdrawn]).toEqual([2, 0]);
  await one.end();
});

test("a registration is withdrawn when no engine works for 10 s, and made again when one does", async () => {
  const one = loop([done]);
  await waitFor("registered", () => one.calls === 1);
  await one.share(0);
  await one.pass(10_000);
  expect([one.calls, one.withdrawn, one.entry.held]).toEqual([1, 1, false]);
  expect(one.waits).toEqual([]);
  await one.share(1);
  await waitFor("registered anew", () => one.calls === 2);
  expect(one.entry.held).toBe(true);
  await one.end();
});

test("a registration is withdrawn although streams wait for an engine", async () => {
  const one = loop([done]);
  await waitFor("registered", () => one.calls === 1);
  using _stream = one.admission.take();
  await one.share(0);
  await one.pass(10_000);
  expect(one.withdrawn).toBe(1);
  await one.end();
});

test("nothing is registered before an engine works", async () => {
  const one = loop([done], new Admission(2), 1, 0);
  await Bun.sleep(0);
  expect(one.calls).toBe(0);
  await one.share(1);
  await waitFor("registered", () => one.calls === 1);
  await one.end();
});

test.each([
  [4, 1, 4],
  [4, 0.5, 2],
  [4, 0.1, 1],
  [3, 0.5, 1],
  [4, 0, 0],
  [4, 1.5, 4],
])("of a capacity of %d, a share of %d is %d", (full, share, capacity) => {
  expect(capacityAt(full, { share })).toBe(capacity);
});
