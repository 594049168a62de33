/** Tests the judgement of a soak: each thing that may go wrong in an hour is found in its record. */
import { expect, test } from "bun:test";
import { growthOf } from "../soak/growth.ts";
import { memoryGrowth } from "../soak/memory-verdict.ts";
import type { SoakRecord, StreamRecord, Strike, UsageLine } from "../soak/record.ts";
import { STREAM_NAMES } from "../soak/streams/soak-stream.ts";
import { faultsOf } from "../soak/verdict.ts";

const STREAM: StreamRecord = {
  name: "BYOC",
  logId: "BYOC",
  uptime: 1,
  frames: 1000,
  segments: 20,
  longestPauseMs: 900,
  restarts: 1,
  changes: 3,
  flows: true,
  status: "active",
  obeys: true,
  problems: [],
};
const USAGE: UsageLine = {
  stream: "BYOC",
  status: "stopped",
  reason: "stopped",
  error: null,
  duration_s: 60,
  active_s: 58,
  paused_s: 2,
  fallback_s: 1,
  frames_in: 1010,
  frames_out: 995,
  frames_processed: 990,
  frames_fallback: 5,
  frames_dropped: 10,
  restarts: 1,
};
const STRIKE: Strike = {
  at: 40,
  fault: "engine: SIGKILL",
  family: "process",
  victim: "BYOC",
  boundMs: 2000,
  resumedMs: 1200,
  neighboursMayPause: true,
  pressure: 0.2,
  neighbours: [{ name: "live runner", pauseMs: 1200 }],
};
const flat = (value: number) => Array.from({ length: 20 }, (_, at) => ({ at: at * 30, value }));
const SOUND: SoakRecord = {
  seed: 1,
  minutes: 1,
  everyS: 20,
  startedAt: "2026-12-01T12:00:00.000Z",
  machine: {},
  strikes: [STRIKE],
  misfires: [],
  streams: STREAM_NAMES.map((name) => ({ ...STREAM, name, logId: name })),
  memory: [{ process: "server", pid: 1, heap: [], samples: flat(100) }],
  holdings: { start: { fds: 20 }, end: { fds: 20 }, leaks: [] },
  usage: STREAM_NAMES.map((stream) => ({ ...USAGE, stream })),
  log: { lines: 100, unexpected: [], secrets: [] },
  broken: null,
};

const withStream = (changed: Partial<StreamRecord>): SoakRecord => ({
  ...SOUND,
  streams: SOUND.streams.map((one, index) => (index === 0 ? { ...one, ...changed } : one)),
});
const withUsage = (changed: Partial<UsageLine>): SoakRecord => ({
  ...SOUND,
  usage: SOUND.usage.map((one, index) => (index === 0 ? { ...one, ...changed } : one)),
});
const withStrike = (changed: Partial<Strike>): SoakRecord => ({
  ...SOUND,
  strikes: [{ ...STRIKE, ...changed }],
});

test("a sound run has no faults", () => {
  expect(faultsOf(SOUND)).toEqual([]);
});

test.each([
  ["a stream without frames", withStream({ flows: false }), "gives no frames"],
  ["a stream that ended", withStream({ status: "error" }), "is error at the end"],
  ["a change that is not seen", withStream({ obeys: false }), "does not follow"],
  ["a gateway that would have left", withStream({ problems: ["events: silence"] }), "silence"],
  ["a stream that is missing", { ...SOUND, streams: SOUND.streams.slice(1) }, "not among"],
  ["frames billed that nobody saw", withUsage({ frames_out: 1200 }), "billed for 1200"],
  ["time that is neither active nor paused", withUsage({ active_s: 50 }), "neither active"],
  ["a usage record with an error", withUsage({ error: "output_lost" }), "it ended as"],
  ["a usage record too few", { ...SOUND, usage: SOUND.usage.slice(1) }, "no usage record"],
  ["a victim that did not resume", withStrike({ resumedMs: null }), "did not resume"],
  ["a victim that resumed late", withStrike({ resumedMs: 4000 }), "resumed after 4000 ms"],
  ["a neighbour's long pause", withStrike({ neighboursMayPause: false }), "paused for 1200 ms"],
  [
    "what is left over",
    { ...SOUND, holdings: { ...SOUND.holdings, leaks: ["1 socket"] } },
    "1 socket",
  ],
  ["a line that no fault explains", log({ unexpected: ["boom"] }), "boom"],
  ["a secret", log({ secrets: ["ORCH_SECRET"] }), "the log shows ORCH_SECRET"],
  ["an early end", { ...SOUND, broken: "the worker has exited" }, "the worker has exited"],
])("%s is a fault", (_what, record, message) => {
  expect(faultsOf(record).join("\n")).toContain(message);
});

function log(changed: Partial<SoakRecord["log"]>): SoakRecord {
  return { ...SOUND, log: { ...SOUND.log, ...changed } };
}

test("a late victim on a machine without a free core is no fault, but one that never resumes is", () => {
  expect(faultsOf(withStrike({ resumedMs: 4000, pressure: 0.9 }))).toEqual([]);
  expect(faultsOf(withStrike({ resumedMs: null, pressure: 0.9 })).join()).toContain("not resume");
});

test("a server that grows by more than 2 % in the run is a fault, whatever its collector's peaks", () => {
  const grown = (mib: number) =>
    flat(100).map(({ at, value }, index) => ({
      at,
      value: value + (mib * index) / 19 + (index % 7 === 3 ? 30 : 0),
    }));
  const judged = (mib: number) =>
    faultsOf({ ...SOUND, memory: [{ process: "server", pid: 1, heap: [], samples: grown(mib) }] });
  expect(judged(1)).toEqual([]);
  expect(judged(4).join()).toContain("server grew by 4.0 %, from 100.0 to 104.0 MiB");
});

test("a run of more than an hour may grow by 2 % in each", () => {
  const judged = (mib: number) => {
    const samples = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => ({
      at: n * 800,
      value: 100 + (mib * n) / 9,
    }));
    return faultsOf({ ...SOUND, memory: [{ process: "server", pid: 1, heap: [], samples }] });
  };
  expect(judged(3.9)).toEqual([]);
  expect(judged(4.1).join()).toContain("server grew by 4.1 %");
});

test("a small process may grow by what its readings differ anyway, but not all of them together", () => {
  const growing = (pid: number, from: number, mib: number) => ({
    process: pid === 1 ? ("server" as const) : ("engine" as const),
    pid,
    heap: [],
    samples: flat(from).map(({ at, value }, index) => ({ at, value: value + (mib * index) / 19 })),
  });
  const judged = (...memory: SoakRecord["memory"]) => faultsOf({ ...SOUND, memory });
  expect(judged(growing(1, 45, 1.9), growing(2, 260, 1))).toEqual([]);
  expect(judged(growing(1, 45, 2.1), growing(2, 260, 1)).join()).toContain("server grew by 4.7 %");
  expect(judged(growing(1, 45, 1.9), growing(2, 45, 1.9)).join()).toBe(
    "all together grew by 4.2 %, from 90.0 to 93.8 MiB",
  );
  expect(judged(growing(1, 45, 1.9))).toEqual([]);
});

test("processes are summed while all of them lived", () => {
  const server = flat(45).map((one, index) => ({ ...one, value: 45 + Math.min(index, 8) }));
  const engine = flat(260).slice(8);
  const [, , all] = memoryGrowth([
    { process: "server", pid: 1, heap: [], samples: server },
    { process: "engine", pid: 2, heap: [], samples: engine },
  ]);
  expect(all).toMatchObject({ samples: 12, start: 313, end: 313, isTooMuch: false });
});

test("an engine that lived for a few samples only is not judged by its memory", () => {
  const samples = [100, 150, 190].map((value, index) => ({ at: index, value }));
  expect(
    faultsOf({ ...SOUND, memory: [{ process: "engine", pid: 2, heap: [], samples }] }),
  ).toEqual([]);
  expect(growthOf(samples).percent).toBeGreaterThan(50);
});
