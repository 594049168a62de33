import { expect, test } from "bun:test";
import { TextReports } from "../../../../src/engine/plan/text-reports.ts";

test("a text is reported when it changes, and once a second while it does not", () => {
  const reports = new TextReports();
  const due = (text: string, seconds: number) => reports.due({ "4": text }, seconds)["4"];
  expect([0, 0.1, 0.9, 1, 1.1, 2.05].map((seconds) => due("a", seconds))).toEqual([
    ...["a", undefined, undefined, "a", undefined, "a"],
  ]);
  expect([due("b", 2.1), due("b", 2.2), due("a", 2.3)]).toEqual(["b", undefined, "a"]);
});

test("nodes are looked at one by one, and one that is silent for a frame speaks anew", () => {
  const reports = new TextReports();
  expect(reports.due({ "1": "a", "2": "b" }, 0)).toEqual({ "1": "a", "2": "b" });
  expect(reports.due({ "1": "a", "2": "c" }, 0.1)).toEqual({ "2": "c" });
  expect(reports.due({ "2": "c" }, 0.2)).toEqual({});
  expect(reports.due({ "1": "a", "2": "c" }, 0.3)).toEqual({ "1": "a" });
});

test("time that jumps back holds no text up", () => {
  const reports = new TextReports();
  reports.due({ "1": "a" }, 50);
  expect(reports.due({ "1": "a" }, 3)).toEqual({ "1": "a" });
});
