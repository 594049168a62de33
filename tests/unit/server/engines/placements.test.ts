/** What engines are told of work, and what becomes of work when they die. Whole engines: integration/engine-scheduler. */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { CallKind } from "../../../../src/engine/protocol/call-journal.ts";
import type { ToEngine, WorkReport } from "../../../../src/engine/protocol/messages.ts";
import type { WorkOrder } from "../../../../src/engine/protocol/work.ts";
import { Placements } from "../../../../src/server/engines/placements.ts";
import type { Work } from "../../../../src/server/engines/work.ts";
import { CLOCK_DEFAULTS } from "../../../../src/server/streams/params.ts";

let events: string[];
/** The engine that is ready. */
let ready: ReturnType<typeof engine> | null;
let placements: Placements;
beforeEach(() => {
  jest.useFakeTimers();
  events = [];
  ready = null;
  placements = new Placements({
    device: "cpu",
    engine: () => ready,
    delivered: () => events.push("delivered"),
    ended: () => events.push("ended"),
  });
});
afterEach(() => void jest.useRealTimers());

function stream(id: string): Work {
  const endpoint = { url: `http://127.0.0.1:9/${id}` };
  const order: WorkOrder = {
    kind: "stream",
    revision: 0,
    spec: {
      output: { endpoint, lifecycle: "owned" },
      container: "fmp4",
      segment_seconds: 1,
      audio: "none",
    },
    params: CLOCK_DEFAULTS,
  };
  return {
    id,
    order: () => order,
    handedTo: ({ pid }) => events.push(`${id} to ${pid}`),
    receive: ({ type }) => events.push(`${id} ${type}`),
    lost: (error) => events.push(`${id} lost: ${error?.message}`),
    interrupted: (why, hungRuns) => events.push(`${id} interrupted: ${why}, ${hungRuns}`),
  };
}

function engine(pid: number) {
  const sent: string[] = [];
  const send = (message: ToEngine) =>
    void sent.push("number" in message ? `${message.type} ${message.number}` : message.type);
  return { pid, sent, send };
}

/** An engine becomes ready. */
function boot(pid: number) {
  ready = engine(pid);
  placements.handOver(ready);
  return ready;
}

const checkpoint: WorkReport = {
  type: "checkpoint",
  id: "",
  checkpoint: { seq: 1, pts: 0, size: { width: 64, height: 64 } },
};

const death = { why: "SIGSEGV", calls: [], fromOutside: false, byServer: false, isHang: false };
const calls = (...all: readonly [CallKind, number][]) =>
  all.map(([kind, work], serial) => ({ kind, work, serial, allowedMs: 5000 }));

test("every engine gets the work under new numbers, and reports under others are ignored", () => {
  const [a, b] = [stream("a"), stream("b")];
  placements.start(a);
  expect(placements.numberOf(a)).toBe(0);
  const first = boot(1);
  placements.start(b);
  expect(first.sent).toEqual(["start 1", "start 2"]);
  const second = boot(2);
  expect(second.sent).toEqual(["start 3", "start 4"]);
  placements.deliver(1, { type: "started", id: "" });
  placements.deliver(4, { type: "started", id: "" });
  expect(events).toEqual(["a to 1", "b to 1", "a to 2", "b to 2", "b started"]);
});

test("an engine has delivered when a stream begins its second segment there", () => {
  const a = stream("a");
  boot(1);
  placements.start(a);
  placements.deliver(1, checkpoint);
  boot(2);
  placements.deliver(2, checkpoint);
  expect(events).not.toContain("delivered");
  placements.deliver(2, checkpoint);
  expect(events.slice(-2)).toEqual(["delivered", "a checkpoint"]);
});

test("work that does not stop within five seconds is over, and its engine's reports of it are ignored", () => {
  const a = stream("a");
  const only = boot(1);
  placements.start(a);
  placements.stop(a);
  placements.stop(a);
  expect(only.sent).toEqual(["start 1", "stop 1"]);
  jest.advanceTimersByTime(5000);
  placements.deliver(1, { type: "ended", id: "" });
  expect(events).toEqual(["a to 1", "a lost: undefined", "ended"]);
  expect(placements.works).toEqual([]);
});

test("without an engine a stop takes effect at once", () => {
  const a = stream("a");
  placements.start(a);
  placements.stop(a);
  expect(events).toEqual(["a lost: undefined", "ended"]);
});

test("without an engine an update waits for the start, which has the new parameters", () => {
  const a = stream("a");
  placements.start(a);
  placements.update(a);
  expect(boot(1).sent).toEqual(["start 1"]);
  placements.update(a);
  expect(ready?.sent).toEqual(["start 1", "update 1"]);
});

test("work in a call when its engine died is suspected, the oldest call first; work that was to stop has ended", () => {
  const [a, b, c, d] = [stream("a"), stream("b"), stream("c"), stream("d")];
  boot(1);
  for (const work of [a, b, c, d]) placements.start(work);
  placements.stop(d);
  events = [];
  const died = { ...death, calls: calls(["run", 4], ["decode", 2], ["run", 1], ["run", 2]) };
  const { cause, suspects, isBlameless } = placements.interrupt(died);
  expect({ cause, isBlameless }).toEqual({ cause: "crashed", isBlameless: false });
  expect(suspects.map(({ work }) => work.id)).toEqual(["b", "a"]);
  expect(suspects[0]?.calls.map(({ kind }) => kind)).toEqual(["decode", "run"]);
  const interrupted = ["a", "b", "c"].map((id) => `${id} interrupted: SIGSEGV, 0`);
  expect(events).toEqual(["d lost: undefined", "ended", ...interrupted]);
});

test("runs that hung are counted for the work that made them", () => {
  const [a, b] = [stream("a"), stream("b")];
  boot(1);
  for (const work of [a, b]) placements.start(work);
  events = [];
  const hung = { ...death, byServer: true, isHang: true, why: "hung" };
  const { cause } = placements.interrupt({ ...hung, calls: calls(["run", 2], ["decode", 1]) });
  expect(cause).toBe("hung");
  expect(events).toEqual(["a interrupted: hung, 0", "b interrupted: hung, 1"]);
});

test("a kill from outside makes nobody a suspect, and is blameless once a segment was made", () => {
  const a = stream("a");
  boot(1);
  placements.start(a);
  const killed = { ...death, fromOutside: true, calls: calls(["run", 1]) };
  expect(placements.interrupt(killed)).toEqual({
    cause: "killed",
    suspects: [],
    isBlameless: false,
  });
  for (let n = 0; n < 2; n++) placements.deliver(1, checkpoint);
  expect(placements.interrupt(killed).isBlameless).toBe(true);
});
