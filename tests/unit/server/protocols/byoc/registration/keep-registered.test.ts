/** Time passes when the test says so: no timers run. */
import { expect, type Mock, spyOn, test } from "bun:test";
import { Admission } from "../../../../../../src/server/admission.ts";
import { capacityAt, servedCapacity } from "../../../../../../src/server/capacity.ts";
import {
  type Entry,
  keepRegistered,
} from "../../../../../../src/server/protocols/byoc/registration/keep-registered.ts";
import type { Outcome } from "../../../../../../src/server/protocols/byoc/registration/orchestrator-client.ts";
import { waitFor } from "../../../../../support/wait-for.ts";

const offer = {
  name: "a",
  url: "http://w",
  price_per_unit: 0,
  price_scaling: 1,
  currency: "wei",
  description: "",
};

/** A loop whose waits the test ends; `outcomes` are what the orchestrator answers, the last one for ever. */
function loop(outcomes: Outcome[], admission = new Admission(4), random = 1, total = 4) {
  const stop = new AbortController();
  const waits: { ms: number; end: () => void }[] = [];
  const registered: number[] = [];
  let withdrawn = 0;
  let changed = Promise.withResolvers<void>();
  const followed = new Set<Mock<Promise<void>["then"]>>();
  /** Counts the reactions that are attached to a promise. */
  const counted = (promise: Promise<void>): Promise<void> => {
    followed.add(spyOn(promise, "then"));
    return promise;
  };
  const capacity = {
    total,
    get used() {
      return admission.taken;
    },
    get changed() {
      return counted(changed.promise);
    },
    get emptied() {
      return admission.emptied;
    },
  };
  /** The orchestrator's count, which each registration restarts. */
  let load = 0;
  const entry: Entry = {
    client: {
      url: "http://orch",
      register: async ({ capacity }: { capacity: number }) => {
        registered.push(capacity);
        load = 0;
        return (outcomes.length > 1 ? outcomes.shift() : outcomes[0]) ?? { kind: "done" as const };
      },
      unregister: async () => {
        withdrawn++;
        return { kind: "done" as const };
      },
    },
    offer,
    unsupportedLevel: "error",
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
  const over = keepRegistered(entry, capacity, { wait, random: () => random }, stop.signal);
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
      return registered.length;
    },
    get withdrawn() {
      return withdrawn;
    },
    get reactions() {
      return [...followed].reduce((sum, { mock }) => sum + mock.calls.length, 0);
    },
    /** What gateways are told, as go-livepeer computes it. */
    get available() {
      return Math.max(0, (registered.at(-1) ?? 0) - load);
    },
    /** A job that the orchestrator sends; disposed when it ends. */
    job: (): Disposable => {
      const place = admission.take();
      load++;
      return {
        [Symbol.dispose]: () => {
          load--;
          place[Symbol.dispose]();
        },
      };
    },
    /** The engines that work can serve this much from now on. */
    serve: async (total: number) => {
      capacity.total = total;
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

test("an entry says since when the orchestrator has it, and why not", async () => {
  const one = loop([unreachable, done, refused], new Admission(1), 0);
  await one.pass(500);
  await waitFor("registered", () => one.entry.since instanceof Date);
  expect(one.entry.failure).toBeNull();
  await one.pass(60_000);
  await waitFor("refused", () => one.entry.since === null);
  expect(one.entry.failure).toBe("wrong secret");
  expect(one.entry.held).toBe(true);
  await one.end();
});

test("a refused registration is retried every 60 s", async () => {
  const one = loop([refused]);
  for (let n = 0; n < 3; n++) await one.pass(60_000);
  expect(one.calls).toBe(4);
  await one.end();
});

test("a server renews its registration every 60 s, also while it works", async () => {
  const one = loop([done]);
  for (let n = 0; n < 3; n++) await one.pass(60_000);
  using _stream = one.job();
  await one.pass(60_000);
  await waitFor("the next wait", () => one.waits.length === 1);
  expect(one.registered).toEqual([4, 4, 4, 4, 3]);
  expect(one.entry.held).toBe(true);
  await one.end();
});

test("renewals leave nothing behind on what they wait for", async () => {
  const one = loop([done]);
  for (let n = 0; n < 20; n++) await one.pass(60_000);
  expect(one.reactions).toBeLessThan(4);
  await one.end();
});

test("what gateways are told stays right while jobs come and end and the registration is renewed", async () => {
  const one = loop([done]);
  const right = () => expect(one.available).toBe(4 - one.admission.taken);
  await waitFor("registered", () => one.calls === 1);
  const [a, b, c] = [one.job(), one.job(), one.job()];
  right();
  await one.pass(60_000);
  right();
  a[Symbol.dispose]();
  const d = one.job();
  b[Symbol.dispose]();
  right();
  await one.pass(60_000);
  right();
  for (const job of [c, d]) job[Symbol.dispose]();
  right();
  await one.end();
});

test("devices that fail under work lower what gateways are told at once, and by what still runs", async () => {
  const one = loop([done]);
  await waitFor("registered", () => one.calls === 1);
  const jobs = [one.job(), one.job(), one.job()];
  await one.serve(2);
  await waitFor("registered anew", () => one.calls === 2);
  expect([one.registered.at(-1), one.available]).toEqual([-1, 0]);
  for (const job of jobs.splice(1)) job[Symbol.dispose]();
  expect(one.available).toBe(1);
  await one.serve(4);
  await waitFor("registered anew", () => one.calls === 3);
  expect(one.available).toBe(3);
  jobs[0]?.[Symbol.dispose]();
  expect(one.available).toBe(4);
  await one.end();
});

test("when the last work has ended, the registration is renewed once the orchestrator has counted it", async () => {
  const one = loop([done]);
  await waitFor("registered", () => one.calls === 1);
  one.job()[Symbol.dispose]();
  await waitFor("the next wait", () => one.waits[0]?.ms === 2000);
  await one.pass(2000);
  await waitFor("registered anew", () => one.calls === 2);
  await one.pass(60_000);
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

test("a short outage of a device changes nothing", async () => {
  const one = loop([done]);
  await waitFor("registered", () => one.calls === 1);
  await one.serve(0);
  await one.serve(4);
  await one.pass(60_000);
  expect([one.calls, one.withdrawn]).toEqual([2, 0]);
  await one.end();
});

test("a registration is withdrawn when no engine works for 10 s, and made again when one does", async () => {
  const one = loop([done]);
  await waitFor("registered", () => one.calls === 1);
  await one.serve(0);
  await one.pass(10_000);
  expect([one.calls, one.withdrawn, one.entry.held]).toEqual([1, 1, false]);
  expect(one.entry).toMatchObject({ since: null, failure: "no engine works" });
  expect(one.waits).toEqual([]);
  await one.serve(4);
  await waitFor("registered anew", () => one.calls === 2);
  expect(one.entry.held).toBe(true);
  await one.end();
});

test("a registration is withdrawn although streams wait for an engine", async () => {
  const one = loop([done]);
  await waitFor("registered", () => one.calls === 1);
  using _stream = one.admission.take();
  await one.serve(0);
  await one.pass(10_000);
  expect(one.withdrawn).toBe(1);
  await one.end();
});

test("nothing is registered before an engine works", async () => {
  const one = loop([done], new Admission(4), 1, 0);
  await Bun.sleep(0);
  expect(one.calls).toBe(0);
  await one.serve(4);
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
  expect(capacityAt(full, share)).toBe(capacity);
});

test.each([
  [12, 4, 0, 0],
  [12, 4, 3, 1],
  [12, 4, 4, 2],
  [4, 4, 5, 5],
  [3, 1, 3, 1],
])("of %d places that count as a capacity of %d, %d taken use %d", (places, full, taken, used) => {
  const admission = new Admission(places);
  for (let n = 0; n < taken; n++) admission.take();
  const engines = { workingDevices: ["cpu"], changed: new Promise<void>(() => {}) };
  const capacity = servedCapacity({ engines, devices: ["cpu"], admission, full });
  expect([capacity.total, capacity.used]).toEqual([full, used]);
});
