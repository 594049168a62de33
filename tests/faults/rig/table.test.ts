/** The matrix says yes only of what was measured on a machine that had time for it. */
import { expect, test } from "bun:test";
import { HARMLESS } from "./bench.ts";
import type { Outcome } from "./case.ts";
import { summaryText } from "./summary.ts";
import { type CaseResult, isNotJudged, rowOf, rowsIn, tableText } from "./table.ts";

const OUTCOME: Outcome = {
  fault: HARMLESS.name,
  phase: "running",
  end: "none",
  crowding: 1,
  answer: { status: 200, code: null, stream: null, ms: 5 },
  pauseMs: 100,
  outageMs: 100,
  lost: 0,
  gaps: [[], []],
  neighboursLost: 0,
  stopMs: 5,
  beside: false,
  leaks: [],
};

const result = (crowding: number, ...broken: string[]): CaseResult => ({
  fault: HARMLESS,
  phase: "running",
  beside: false,
  outcome: { ...OUTCOME, crowding },
  crowding,
  broken,
});

test.each<[string, CaseResult, CaseResult]>([
  ["yes", result(1), result(2)],
  ["not judged: machine busy", result(1), result(2.1)],
  ["not judged: machine busy; seen: a leak", result(1), result(10, "a leak")],
  ["**no**: a leak", result(1, "a leak"), result(10, "a pause")],
  ["**no**: a leak; a pause", result(1, "a leak"), result(1, "a leak", "a pause")],
])("a row says %s", (said, alone, beside) => {
  const row = rowOf(HARMLESS, "running", [alone, beside]);
  expect(row.at(-1)).toBe(said);
  expect(isNotJudged(row)).toBe(said.startsWith("not judged"));
});

test.each<[string, Partial<Outcome>]>([
  ["goes on", {}],
  ["no more output", { pauseMs: null }],
  ["ends in order", { end: "in order", pauseMs: null }],
  ["ends: model_failed", { end: "model_failed", pauseMs: null }],
  ["200", { phase: "stopping" }],
  ["200, then model_failed", { phase: "starting", end: "model_failed" }],
  [
    "503 at_capacity",
    { phase: "starting", answer: { ...OUTCOME.answer, status: 503, code: "at_capacity" } },
  ],
])("a client is said to have seen: %s", (said, part) => {
  const outcome = { ...OUTCOME, ...part };
  const row = rowOf(HARMLESS, outcome.phase, [{ ...result(1), outcome }]);
  expect(row[2]).toBe(said);
});

test("a case that could not be run is shown with its crowding", () => {
  const failed = { ...result(1.5, "no output"), outcome: null };
  expect(rowOf(HARMLESS, "running", [failed, result(1)]).slice(-2)).toEqual([
    "1.5 / 1.0",
    "**no**: no output",
  ]);
});

test("the table is read again as it was written, and summed up by what is struck", () => {
  const seen = (part: Partial<Outcome>) => ({ ...result(1), outcome: { ...OUTCOME, ...part } });
  const rows = [
    rowOf(HARMLESS, "running", [result(1), seen({ beside: true, gaps: [[700], []] })]),
    rowOf(HARMLESS, "stopping", [result(9), seen({ end: "model_failed", pauseMs: null })]),
    rowOf(HARMLESS, "starting", [seen({ pauseMs: 2900 }), result(1, "a leak")]),
  ];
  expect([...rowsIn(tableText(rows)).values()]).toEqual(rows.map((row) => [...row]));
  const summary = summaryText(rows, 431);
  expect(summary).toContain("Rows tried: 3 of 431");
  expect(summary).toContain("held in 1, some were broken in 1, and 1 are not judged");
  expect(summary).toMatch(/\| none +\| 3 +\| 1 +\| 2\.9 s +\| 0\.7 s +\| 1 +\|/);
});
