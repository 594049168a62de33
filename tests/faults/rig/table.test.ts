/** The matrix says yes only of what was measured on a machine that had time for it. */
import { expect, test } from "bun:test";
import { HARMLESS } from "./bench.ts";
import type { Outcome } from "./case.ts";
import { type CaseResult, isNotJudged, rowOf, rowsIn, sectionText } from "./table.ts";

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

test("a case that could not be run is shown with its crowding", () => {
  const failed = { ...result(1.5, "no output"), outcome: null };
  expect(rowOf(HARMLESS, "running", [failed, result(1)]).slice(-2)).toEqual([
    "1.5 / 1.0",
    "**no**: no output",
  ]);
});

test("the section counts its rows, and is read again as it was written", () => {
  const rows = [
    rowOf(HARMLESS, "running", [result(1), result(1)]),
    rowOf(HARMLESS, "stopping", [result(9), result(1)]),
    rowOf(HARMLESS, "starting", [result(1), result(1, "a leak")]),
  ];
  const section = sectionText(rows, 431);
  expect(section).toContain("Rows tried: 3 of 431");
  expect(section).toContain("held in 1, some were broken in 1, and 1 are not judged");
  expect([...rowsIn(section).values()]).toEqual(rows.map((row) => [...row]));
});
