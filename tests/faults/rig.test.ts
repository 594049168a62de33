/** The rig runs a real case, and its judge sees every bound that is broken. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { FaultBench, HARMLESS } from "./rig/bench.ts";
import { type Outcome, runCase } from "./rig/case.ts";
import type { Fault } from "./rig/fault.ts";
import { broken } from "./rig/judge.ts";

setDefaultTimeout(90_000);

let bench: FaultBench;
let seen: Outcome;
const struck: string[] = [];

/** A blow that only notes which stream it met. */
const NOTED: Fault = {
  ...HARMLESS,
  inject: async ({ stream }) => {
    struck.push(stream?.id ?? "none");
    return async () => void struck.push("lifted");
  },
};

beforeAll(async () => {
  bench = await FaultBench.open();
  seen = await runCase(bench, NOTED, { phase: "stopping", beside: false });
});
afterAll(() => bench[Symbol.asyncDispose]());

test("a real stream is struck, stopped and leaves nothing", () => {
  expect(struck).toEqual([expect.stringMatching(/^victim-\d+$/), "lifted"]);
  expect(seen.answer.status).toBe(200);
  expect(broken(NOTED, seen)).toEqual([]);
});

/** Of a fault that lets neighbours pause for a second and lasts for another. */
const LASTING: Fault = { ...HARMLESS, lastsMs: 1000, neighboursMayPause: true };

/** Of a fault after which control messages take effect. */
const OBEYED: Fault = { ...HARMLESS, obeysWithinMs: 2000 };

test.each<[string, Fault, Partial<Outcome>]>([
  [
    "the client got 503 engine_unavailable",
    HARMLESS,
    { answer: answer(503, "engine_unavailable") },
  ],
  ["the client got no answer", HARMLESS, { answer: answer(0, null) }],
  ["the answer took 6000 ms, allowed 5000 ms", HARMLESS, { answer: answer(200, null, 6000) }],
  ["the stream ended: input_lost", HARMLESS, { end: "input_lost" }],
  ["output did not come back", HARMLESS, { pauseMs: null }],
  ["output paused for 1200 ms, allowed 1000 ms", HARMLESS, { pauseMs: 1200 }],
  ["neighbour 2 paused for 700 ms, allowed 500 ms", HARMLESS, { gaps: [[], [700]] }],
  ["neighbour 1 paused 2 times", LASTING, { gaps: [[700, 800], []] }],
  ["neighbour 1 paused for 2100 ms, allowed 2000 ms", LASTING, { gaps: [[2100], []] }],
  ["a control message that came after it was lost", OBEYED, { obeyedMs: null }],
  ["a control message took 2100 ms, allowed 2000 ms", OBEYED, { obeyedMs: 2100 }],
  ["the stream did not end after its stop", HARMLESS, { stopMs: null }],
  ["the end took 5100 ms, allowed 5000 ms", HARMLESS, { stopMs: 5100 }],
  ["leak: engine: AVFrame: 1 more than 0", HARMLESS, { leaks: ["engine: AVFrame: 1 more than 0"] }],
])("a broken bound is named: %s", (named, fault, part) => {
  const held: Outcome = {
    ...seen,
    phase: "running",
    beside: true,
    pauseMs: 100,
    outageMs: 100,
    crowding: 1,
  };
  expect(broken(fault, held)).toEqual([]);
  expect(broken(fault, { ...held, ...part })).toEqual([named]);
});

test("a start may be refused as the fault says, and not otherwise", () => {
  const refused: Outcome = {
    ...seen,
    phase: "starting",
    answer: answer(400, "channel_refused"),
    pauseMs: null,
  };
  expect(broken({ ...HARMLESS, refusedStart: "channel_refused" }, refused)).toEqual([]);
  expect(broken({ ...HARMLESS, refusedStart: "at_capacity" }, refused)).not.toEqual([]);
});

test("a stream may end with the error that the fault names, and must where output need not come back", () => {
  const ended: Outcome = { ...seen, phase: "running", end: "model_failed", pauseMs: null };
  const goesOn: Outcome = { ...ended, end: "none", pauseMs: 100 };
  const may = { ...HARMLESS, end: "model_failed" };
  expect(broken(may, ended)).toEqual([]);
  expect(broken(may, goesOn)).toEqual([]);
  const must = { ...may, resumeWithinMs: null };
  expect(broken(must, ended)).toEqual([]);
  expect(broken(must, goesOn)).toEqual(["the stream did not end: model_failed"]);
  expect(broken(must, { ...goesOn, phase: "stopping" })).toEqual([]);
});

test("a crowded machine has more time, up to twice as much", () => {
  const slow: Outcome = { ...seen, phase: "running", pauseMs: 1900, crowding: 2 };
  expect(broken(HARMLESS, slow)).toEqual([]);
  expect(broken(HARMLESS, { ...slow, pauseMs: 2100 })).not.toEqual([]);
  expect(broken(HARMLESS, { ...slow, pauseMs: 2100, crowding: 10 })).not.toEqual([]);
});

function answer(status: number, code: string | null, ms = 5): Outcome["answer"] {
  return { status, code, stream: null, ms };
}
