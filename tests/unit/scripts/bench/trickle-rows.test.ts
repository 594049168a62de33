/** The rows of benchmark `trickle`: how many channels a server carries, and how it compares. */
import { expect, test } from "bun:test";
import { report } from "../../../../scripts/bench/report.ts";
import type { TrickleRun } from "../../../../scripts/bench/trickle-load.ts";
import { type TrickleRows, trickleRows } from "../../../../scripts/bench/trickle-rows.ts";

function run({ p50 = 0.5, p99 = 2, lost = 0, memoryMb = 50 } = {}): TrickleRun {
  const figures = { sent: 240, lost, p50, p99, serverCpu: 0.1, loadCpu: 0.1, memoryMb };
  return { kind: "measured", ...figures };
}

const none: TrickleRows["runs"] = { product: new Map(), go: new Map(), raw: new Map() };
const rowsOf = (rows: TrickleRows) => report("trickle", trickleRows(rows)).rows;

test("a server carries the most channels below the first number at which it loses some or is late", () => {
  const product = new Map([
    [1, [run()]],
    [2, [run({ p99: 99 })]],
    [4, [run({ p99: 101 })]],
    [8, [run()]],
  ]);
  const go = new Map<number, TrickleRun[]>([
    [1, [run()]],
    [2, [run({ lost: 3 })]],
  ]);
  const [against] = rowsOf({ runs: { ...none, product, go }, goAbsent: null });
  expect(against).toMatchObject({ value: 2, reference_value: 1 });
  expect(against?.note).toContain("embedded server with 4: p99 of 101 ms");
  expect(against?.note).toContain("go-livepeer with 2: 3 of 240 chunks lost");
});

test("a server that refuses channels has failed there, with what it said", () => {
  const product = new Map<number, TrickleRun[]>([
    [96, [run()]],
    [128, [{ kind: "failed", why: "at most 96" }]],
  ]);
  const rows = rowsOf({ runs: { ...none, product }, goAbsent: null });
  expect(rows[0]).toMatchObject({ value: 96, note: expect.stringContaining("at most 96") });
  expect(rows.map((row) => row.case)).toContain("96 channels: latency p50");
  expect(rows.map((row) => row.case).join()).not.toContain("128 channels:");
});

test("latency at 1 and 50 channels is judged by go-livepeer's, and without it by nothing", () => {
  const product = new Map([[50, [run({ p50: 1.3, p99: 5 })]]]);
  const go = new Map([[50, [run({ p50: 1, p99: 3 })]]]);
  const judged = rowsOf({ runs: { ...none, product, go }, goAbsent: null });
  expect(judged.filter((row) => row.met === false).map((row) => row.case)).toEqual([
    "50 channels: latency p50",
  ]);
  const alone = rowsOf({ runs: { ...none, product }, goAbsent: "go is not installed" });
  const [p50] = alone.filter((row) => row.case === "50 channels: latency p50");
  expect(p50).toMatchObject({ reference_value: null, met: null });
  expect(alone[0]?.note).toBe("go is not installed");
});

test("memory is taken from the first run at each number of channels", () => {
  const go = new Map([[50, [run({ memoryMb: 280 }), run({ memoryMb: 2900 })]]]);
  const product = new Map([[50, [run({ memoryMb: 250 }), run({ memoryMb: 300 })]]]);
  const rows = rowsOf({ runs: { ...none, product, go }, goAbsent: null });
  const memory = rows.find((row) => row.case === "50 channels: server memory");
  expect(memory).toMatchObject({ value: 250, reference_value: 280 });
});
