import { afterEach, expect, setSystemTime, test } from "bun:test";
import { Admission } from "../../../../../../src/server/admission.ts";
import type { SessionStop } from "../../../../../../src/server/protocols/live-runner/runner-sessions.ts";
import { SessionTable } from "../../../../../../src/server/protocols/live-runner/sessions/session-table.ts";
import { ahead } from "../../../../../support/ahead.ts";

const tables: SessionTable[] = [];
afterEach(async () => {
  setSystemTime();
  for (const table of tables.splice(0)) await table.drain(0);
});

const never = (): never => {
  throw new Error("no session is started here");
};

/** A table whose sessions are reserved and never started; the orchestrator stops every session that it is asked to. */
function tableOf({
  places = 4,
  capacity = 100,
  state = "ready" as "ready" | "loading",
  uncalledMs = 0,
} = {}) {
  const admission = new Admission(places);
  const stopped: string[] = [];
  const uncalled: string[] = [];
  const engines: { state: "ready" | "loading" } = { state };
  const table = new SessionTable({
    owner: {
      key: "key",
      orchestrator: "http://orchestrator.test",
      runnerId: "runner-1",
      isControlOrigin: () => true,
      stopByClientRoute: async (id): Promise<SessionStop> => {
        stopped.push(id);
        return { kind: "stopped" };
      },
      refresh: async () => {},
      noteUncalled: () => void uncalled.push("uncalled"),
      noteCall: () => {},
    },
    starter: { prepare: never, checkChannels: never, begin: never },
    store: { end: never },
    updater: { apply: never },
    startupOf: never,
    admission,
    engines,
    capacity,
    tls: { rejectUnauthorized: false },
    places: {
      get total() {
        return engines.state === "loading" ? 0 : places;
      },
      get used() {
        return admission.taken;
      },
    },
    settings: {
      unusedTimeoutMs: 60_000,
      idleTimeoutMs: 60_000,
      endGraceMs: 0,
      maxSessionMs: 0,
      segmentSeconds: 1,
      uncalledMs,
    },
  });
  tables.push(table);
  const reserve = (count: number, from = 0) => {
    for (let n = from; n < from + count; n++) table.reserved(`session-${n}`);
  };
  return { table, admission, engines, stopped, uncalled, reserve };
}

test("what is offered are the sessions held and the places free, at least 1 and at most RUNNER_CAPACITY", async () => {
  const { table, admission, reserve } = tableOf({ places: 4, capacity: 3 });
  expect(table.offer()).toEqual({ capacity: 3, status: "ready" });
  const others = [1, 2, 3].map(() => admission.take());
  expect(table.offer()).toEqual({ capacity: 1, status: "ready" });
  reserve(1);
  expect(table.offer()).toEqual({ capacity: 1, status: "ready" });
  expect(admission.taken).toBe(4);
  table.released("session-0");
  others.push(admission.take());
  expect(table.offer()).toEqual({ capacity: 1, status: "busy" });
  for (const place of others) place[Symbol.dispose]();
  expect(table.offer()).toEqual({ capacity: 3, status: "ready" });
});

test("a runner whose engines load says so only while it has no session", () => {
  const { table, engines, reserve } = tableOf({ state: "loading" });
  expect(table.offer()).toEqual({ capacity: 1, status: "loading" });
  reserve(2);
  expect(table.offer()).toEqual({ capacity: 2, status: "ready" });
  engines.state = "ready";
  expect(table.offer()).toEqual({ capacity: 4, status: "ready" });
});

test("a draining runner offers the sessions it has, and none when the last has gone", async () => {
  const { table, reserve, stopped, admission } = tableOf();
  reserve(1);
  await table.drain(0);
  expect(stopped).toEqual(["session-0"]);
  expect(table.offer()).toEqual({ capacity: 1, status: "draining" });
  reserve(1, 1);
  expect(table.offer()).toEqual({ capacity: 1, status: "ready" });
  expect(admission.taken).toBe(0);
  await table.drain(0);
  expect(stopped).toEqual(["session-0", "session-1"]);
});

test("a list names reservations that were not heard of, and ends those that are missing", async () => {
  const { table, admission, uncalled } = tableOf();
  table.reconcile(["session-0", "session-1"], performance.now());
  expect([table.ids.length, admission.taken]).toEqual([2, 2]);
  table.reconcile(["session-1"], performance.now());
  expect([table.ids, admission.taken]).toEqual([["session-1"], 1]);
  expect(uncalled).toHaveLength(1);
});

test("a session that is released at once is not one that could not be called", () => {
  const { table, reserve, uncalled } = tableOf({ uncalledMs: 3000 });
  reserve(3);
  for (const id of table.ids) table.released(id);
  expect([table.ids.length, uncalled.length]).toEqual([0, 0]);
});

test("a session is held without a place where none is free", () => {
  const { table, admission, reserve } = tableOf({ places: 1 });
  reserve(3);
  expect([table.ids.length, admission.taken]).toEqual([3, 1]);
});

test("a lost registration ends its sessions without a call, and does not count them as never called", () => {
  const { table, admission, reserve, stopped, uncalled } = tableOf();
  reserve(2);
  table.lost("the orchestrator has dropped the runner");
  expect([table.ids.length, admission.taken, stopped.length, uncalled.length]).toEqual([
    0, 0, 0, 0,
  ]);
});

test("64 records of ended sessions are kept, each for an hour", () => {
  const { table, reserve } = tableOf();
  reserve(70);
  for (let n = 0; n < 70; n++) table.released(`session-${n}`);
  expect(table.all.map(({ id }) => id).slice(0, 2)).toEqual(["session-6", "session-7"]);
  expect(table.all).toHaveLength(64);
  reserve(1, 100);
  setSystemTime(Date.now() + 7_200_000); // the wall clock does not count
  expect(table.all).toHaveLength(65);
  using _hour = ahead(3_600_001);
  expect(table.all.map(({ id }) => id)).toEqual(["session-100"]);
  table.released("session-100");
});
