/** Time passes when the test says so: no timers run. */
import { expect, test } from "bun:test";
import { Admission } from "../../../../../../src/server/admission.ts";
import { keepRegistered } from "../../../../../../src/server/protocols/byoc/registration/keep-registered.ts";
import type { Outcome } from "../../../../../../src/server/protocols/byoc/registration/orchestrator-client.ts";
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
function loop(outcomes: Outcome[], places = new Admission(2), random = 1) {
  const stop = new AbortController();
  const waits: { ms: number; end: () => void }[] = [];
  let calls = 0;
  const entry = {
    client: {
      url: "http://orch",
      register: async () => {
        calls++;
        return (outcomes.length > 1 ? outcomes.shift() : outcomes[0]) ?? { kind: "done" as const };
      },
      unregister: async () => ({ kind: "done" as const }),
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
  const over = keepRegistered(entry, places, { wait, random: () => random }, stop.signal);
  /** Ends the one wait there is. */
  const pass = async (ms: number) => {
    await waitFor("a wait", () => waits.length === 1);
    expect(waits[0]?.ms).toBe(ms);
    waits[0]?.end();
    await Bun.sleep(0);
  };
  return {
    entry,
    places,
    waits,
    pass,
    get calls() {
      return calls;
    },
    end: async () => {
      stop.abort();
      await over;
    },
  };
}

const done: Outcome = { kind: "done" };
const unreachable: Outcome = { kind: "unreachable", says: "down" };
const refused: Outcome = { kind: "refused", says: "wrong secret" };

test("an orchestrator that is down is tried again after 1 s, then more seldom up to 30 s, for ever", async () => {
  const one = loop([unreachable]);
  for (const ms of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]) await one.pass(ms);
  expect(one.calls).toBe(9);
  expect(one.entry.held).toBe(false);
  await one.end();
});

test("the back-off is jittered, and begins anew after a success", async () => {
  const one = loop([unreachable, done, unreachable], new Admission(1), 0);
  await one.pass(500);
  await one.pass(60_000);
  await one.pass(500);
  await one.pass(1000);
  await one.end();
});

test("a refusal is tried again every 60 s", async () => {
  const one = loop([refused]);
  for (let n = 0; n < 3; n++) await one.pass(60_000);
  expect(one.calls).toBe(4);
  await one.end();
});

test("while nothing runs it registers again every 60 s", async () => {
  const one = loop([done]);
  for (let n = 0; n < 3; n++) await one.pass(60_000);
  expect(one.calls).toBe(4);
  expect(one.entry.held).toBe(true);
  await one.end();
});

test("while anything runs it does not, and does once when the last has ended", async () => {
  const places = new Admission(3);
  const stream = places.take();
  const one = loop([done], places);
  await waitFor("registered", () => one.calls === 1);
  expect(one.waits).toEqual([]);
  const job = places.take();
  stream[Symbol.dispose]();
  await Bun.sleep(0);
  expect(one.waits).toEqual([]);
  job[Symbol.dispose]();
  await one.pass(2000);
  expect(one.calls).toBe(2);
  await one.pass(60_000);
  await one.end();
});

test("what begins within the 60 s puts it off; what begins before the count has settled, too", async () => {
  const places = new Admission(3);
  const one = loop([done], places);
  await waitFor("idle", () => one.waits.length === 1);
  const first = places.take();
  first[Symbol.dispose]();
  await waitFor("the next wait", () => one.waits[0]?.ms === 2000);
  const second = places.take();
  await one.pass(2000);
  expect(one.calls).toBe(1);
  second[Symbol.dispose]();
  await one.pass(2000);
  expect(one.calls).toBe(2);
  await one.end();
});

test("its end comes at once, whatever it waits for", async () => {
  for (const outcome of [done, refused, unreachable]) {
    const one = loop([outcome]);
    await waitFor("a wait", () => one.waits.length === 1);
    await one.end();
  }
  const places = new Admission(1);
  places.take();
  const busy = loop([done], places);
  await waitFor("registered", () => busy.calls === 1);
  await busy.end();
});
