/** Time passes when the test says so: no timers run but that of a request, and no request leaves. */
import { afterEach, expect, test } from "bun:test";
import type {
  HeartbeatAnswer,
  HeartbeatBody,
} from "../../../../../../src/server/protocols/live-runner/registration/heartbeat.ts";
import {
  type BeatFailure,
  Heartbeats,
} from "../../../../../../src/server/protocols/live-runner/registration/heartbeats.ts";
import type { BeatOutcome } from "../../../../../../src/server/protocols/live-runner/registration/runner-client.ts";
import { waitFor } from "../../../../../support/wait-for.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const answer = (given: Partial<HeartbeatAnswer> = {}): BeatOutcome => ({
  kind: "accepted",
  answer: {
    runnerId: "id-1",
    orchestrator: null,
    intervalMs: 5000,
    ttlMs: 20_000,
    secret: null,
    o2rUrl: null,
    sessionIds: [],
    ...given,
  },
});
const bootstrapped = answer({ secret: "beat-secret" });
const failure = (kind: BeatFailure["kind"]): BeatOutcome => ({ kind, message: `a ${kind}` });

interface Beat {
  readonly id: string;
  readonly secret: string | null;
}

/** A loop whose waits the test ends; `outcomes` are what the orchestrator answers, the last one for ever. */
function loop(outcomes: (BeatOutcome | Promise<BeatOutcome>)[]) {
  const stop = new AbortController();
  const waits: { ms: number; end: () => void }[] = [];
  const beats: Beat[] = [];
  const events: string[] = [];
  const askedAt: number[] = [];
  let clock = 1000;
  let ids = 0;
  let left: string | null = null;
  const heartbeats = new Heartbeats(
    {
      client: {
        heartbeat: async ({ runner_id: id }: HeartbeatBody, secret: string | null) => {
          beats.push({ id, secret });
          const outcome = await (outcomes.length > 1 ? outcomes.shift() : outcomes[0]);
          return outcome ?? bootstrapped;
        },
        unregister: async (id: string, secret: string) => {
          left = `${id} ${secret}`;
          return { kind: "done" };
        },
      },
      newId: () => `id-${++ids}`,
      body: (runner_id) => ({ runner_id }) as HeartbeatBody,
      registered: () => events.push("registered"),
      answered: (_answer, at) => askedAt.push(at),
      lost: () => events.push("lost"),
      failed: ({ kind }) => events.push(kind),
    },
    {
      now: () => clock,
      random: () => 1,
      wait: (ms, signal) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const one = { ms, end: resolve };
        waits.push(one);
        signal.addEventListener("abort", () => resolve(), { once: true });
        if (signal.aborted) resolve();
        return promise.finally(() => waits.splice(waits.indexOf(one), 1));
      },
    },
  );
  const running = heartbeats.run(stop.signal);
  stops.push(async () => {
    stop.abort();
    await running;
  });
  /** Ends the one wait there is, which must be this long. */
  const pass = async (ms: number): Promise<void> => {
    await waitFor("a wait", () => waits.length === 1);
    expect(waits[0]?.ms).toBe(ms);
    clock += ms;
    waits[0]?.end();
    await Bun.sleep(0);
  };
  return {
    heartbeats,
    beats,
    events,
    askedAt,
    pass,
    running,
    stop,
    /** Time that requests take. */
    takes: (ms: number) => {
      clock += ms;
    },
    get left() {
      return left;
    },
    waiting: () => waitFor("a wait", () => waits.length === 1),
  };
}

test("later heartbeats use the returned secret and id", async () => {
  const run = loop([answer({ secret: "beat-secret", runnerId: "given" })]);
  await run.pass(5000);
  await run.waiting();
  expect(run.beats).toEqual([
    { id: "id-1", secret: null },
    { id: "given", secret: "beat-secret" },
  ]);
  expect(run.events).toEqual(["registered"]);
  expect(run.heartbeats.runnerId).toBe("given");
});

test("heartbeats follow a changed interval, counted from when the last one left", async () => {
  const slow = Promise.withResolvers<BeatOutcome>();
  const run = loop([
    bootstrapped,
    answer({ intervalMs: 500 }),
    slow.promise,
    answer({ intervalMs: 60_000 }),
  ]);
  await run.pass(5000);
  await run.pass(500);
  await waitFor("the slow one", () => run.beats.length === 3);
  run.takes(200);
  slow.resolve(answer({ intervalMs: 500 }));
  await run.pass(300);
  await run.pass(60_000);
  await waitFor("the last", () => run.askedAt.length === 5);
  expect(run.askedAt).toEqual([1000, 6000, 6500, 7000, 67_000]);
});

test.each(["unauthorized", "unknown", "off"] as const)(
  "a runner that the orchestrator forgot (%s) registers again at once, under its id",
  async (kind) => {
    const run = loop([bootstrapped, failure(kind), bootstrapped]);
    await run.pass(5000);
    await run.waiting();
    expect(run.beats).toEqual([
      { id: "id-1", secret: null },
      { id: "id-1", secret: "beat-secret" },
      { id: "id-1", secret: null },
    ]);
    expect(run.events).toEqual(["registered", "lost", "registered"]);
  },
);

test("an id that is being swept is tried for 8 s, then replaced", async () => {
  const unknown = failure("unknown");
  const run = loop([unknown, unknown, unknown, unknown, unknown, bootstrapped]);
  for (let n = 0; n < 4; n++) await run.pass(2000);
  await run.waiting();
  expect(run.beats.map(({ id }) => id)).toEqual(["id-1", "id-1", "id-1", "id-1", "id-1", "id-2"]);
  expect(run.events).toEqual(["registered"]);
});

test("an id that was swept meanwhile is kept", async () => {
  const run = loop([failure("unknown"), bootstrapped]);
  await run.pass(2000);
  await run.waiting();
  expect(run.heartbeats.runnerId).toBe("id-1");
});

test("a wrong secret is tried with two ids, then every 60 s", async () => {
  const run = loop([failure("unauthorized")]);
  await run.pass(60_000);
  await run.pass(60_000);
  await run.waiting();
  expect(run.beats.map(({ id }) => id)).toEqual(["id-1", "id-2", "id-2", "id-2"]);
  expect(run.events).toEqual(["unauthorized", "unauthorized", "unauthorized"]);
});

test("the id of a static runner is replaced at once", async () => {
  const run = loop([failure("static_id"), bootstrapped]);
  await run.waiting();
  expect(run.beats.map(({ id }) => id)).toEqual(["id-1", "id-2"]);
});

test.each(["refused", "off"] as const)("%s is retried every 60 s", async (kind) => {
  const run = loop([failure(kind), bootstrapped]);
  await run.pass(60_000);
  await run.waiting();
  expect(run.events).toEqual([kind, "registered"]);
});

test("an orchestrator that does not answer is tried for ever, after 1 s to 30 s", async () => {
  const run = loop([failure("unreachable")]);
  for (const ms of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) await run.pass(ms);
});

test.each([
  ["unreachable", 1000],
  ["refused", 60_000],
  ["static_id", 0],
] as const)(
  "while the registration lives a heartbeat that failed (%s) is repeated after 1 s, and its id stays",
  async (kind, laterMs) => {
    const run = loop([bootstrapped, failure(kind)]);
    await run.pass(5000);
    for (let s = 5; s < 20; s++) await run.pass(1000);
    expect(run.heartbeats.isRegistered).toBe(false);
    expect(new Set(run.beats.slice(0, -1).map(({ id }) => id))).toEqual(new Set(["id-1"]));
    // Then the orchestrator has dropped it, and is waited for as at the start.
    if (laterMs > 0) await run.pass(laterMs);
  },
);

test("one answer that is no heartbeat's does not end a registration", async () => {
  const run = loop([bootstrapped, failure("refused"), bootstrapped]);
  await run.pass(5000);
  await run.pass(1000);
  await run.pass(5000);
  expect(run.events).toEqual(["registered", "refused"]);
  expect(run.heartbeats.isRegistered).toBe(true);
});

test("leaving ends the registration with the heartbeat secret", async () => {
  const run = loop([bootstrapped]);
  await run.waiting();
  run.stop.abort();
  expect(await run.heartbeats.leave(run.running, AbortSignal.timeout(2000))).toEqual({
    kind: "done",
  });
  expect(run.left).toBe("id-1 beat-secret");
});

test("a registration that is accepted during the leave is ended, too", async () => {
  const late = Promise.withResolvers<BeatOutcome>();
  const run = loop([late.promise]);
  await waitFor("the bootstrap", () => run.beats.length === 1);
  run.stop.abort();
  const left = run.heartbeats.leave(run.running, AbortSignal.timeout(2000));
  late.resolve(bootstrapped);
  expect(await left).toEqual({ kind: "done" });
  expect(run.left).toBe("id-1 beat-secret");
});

test("a heartbeat that is wanted at once does not wait, and leaves after it was wanted", async () => {
  const late = Promise.withResolvers<BeatOutcome>();
  const run = loop([bootstrapped, late.promise, failure("unreachable")]);
  await run.waiting();
  const first = run.heartbeats.beatNow();
  await waitFor("another heartbeat", () => run.beats.length === 2);
  const second = run.heartbeats.beatNow();
  late.resolve(bootstrapped);
  await first;
  expect(run.beats).toHaveLength(2);
  await second;
  expect(run.beats).toHaveLength(3);
  run.stop.abort();
  await run.running;
  await run.heartbeats.beatNow();
  expect(run.beats).toHaveLength(3);
});
