import { expect, test } from "bun:test";
import { join } from "node:path";
import { docTable, sectionOf, withSection } from "../../../scripts/doc-section.ts";
import { ALL_FAULTS } from "../../faults/all-faults.ts";
import { phasesOf } from "../../faults/rig/matrix.ts";
import { rowKey, rowsIn } from "../../faults/rig/table.ts";

const page = await Bun.file(join(import.meta.dir, "../../../docs/faults.md")).text();

test("every run has its section", () => {
  for (const name of ["matrix", "soak", "load", "fuzz"])
    expect(() => sectionOf(page, name)).not.toThrow();
});

test("a run replaces its own section alone", () => {
  const written = withSection(withSection(page, "soak", "one hour"), "soak", "two hours\n");
  expect(sectionOf(written, "soak")).toBe("two hours");
  expect(withSection(written, "soak", sectionOf(page, "soak"))).toBe(page);
});

test("a section that the page lacks is named", () => {
  expect(() => withSection(page, "thunder", "")).toThrow('the page has no section "thunder"');
});

test("every row of the matrix is of a fault and a phase that are tried", () => {
  const tried = new Set(
    ALL_FAULTS.flatMap((fault) => phasesOf(fault).map((phase) => rowKey(fault.name, phase))),
  );
  const rows = [...rowsIn(sectionOf(page, "matrix")).keys()];
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.filter((row) => !tried.has(row))).toEqual([]);
});

test("no two faults have one name", () => {
  const names = ALL_FAULTS.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

test("a table is as wide as its longest cells, and its bars are escaped", () => {
  expect(docTable(["a", "b"], [["x | y", "1"]])).toBe(
    ["| a      | b   |", "| ------ | --- |", "| x \\| y | 1   |"].join("\n"),
  );
});
