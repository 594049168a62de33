import { expect, test } from "bun:test";
import { ALL_FAULTS } from "../all-faults.ts";
import { rowsOf, spread } from "./matrix.ts";

test("rows of processes, whose engines boot anew, are spread over the whole run", () => {
  const rows = rowsOf(ALL_FAULTS);
  const spreadRows = spread(rows);
  expect(new Set(spreadRows)).toEqual(new Set(rows));
  const half = spreadRows.slice(0, Math.floor(rows.length / 2));
  const ofProcesses = (some: typeof rows) =>
    some.filter(({ fault }) => fault.family === "process").length;
  expect(Math.abs(ofProcesses(half) - ofProcesses(rows) / 2)).toBeLessThan(2);
});
