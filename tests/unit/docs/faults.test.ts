import { expect, test } from "bun:test";
import { join } from "node:path";
import { docTable, sectionOf, withSection } from "../../../scripts/doc-section.ts";
import { ALL_FAULTS } from "../../faults/all-faults.ts";
import { rowsOf } from "../../faults/rig/matrix.ts";
import { summaryText } from "../../faults/rig/summary.ts";
import { rowKey, rowsIn } from "../../faults/rig/table.ts";
import { MAX_CROWDING } from "../../support/crowding.ts";

const docs = join(import.meta.dir, "../../../docs");
const page = await Bun.file(join(docs, "faults.md")).text();
const matrix = sectionOf(await Bun.file(join(docs, "faults-matrix.md")).text(), "matrix");

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

test("the matrix has a row for every fault and phase, and no others", () => {
  const tried = rowsOf(ALL_FAULTS).map(({ fault, phase }) => rowKey(fault.name, phase));
  expect([...rowsIn(matrix).keys()]).toEqual(tried);
});

test("no stream is said to go on whose output did not come back", () => {
  const silent = [...rowsIn(matrix).values()].filter(
    ([, phase, saw, pauses]) => phase === "running" && saw === "goes on" && pauses === "– / –",
  );
  expect(silent).toEqual([]);
});

test("the page sums the matrix up", () => {
  expect(sectionOf(page, "matrix")).toBe(
    summaryText([...rowsIn(matrix).values()], rowsOf(ALL_FAULTS).length),
  );
});

test("no row says that bounds held or broke on a machine that was too crowded to tell", () => {
  const judged = [...rowsIn(matrix)].filter(([, row]) => {
    const [crowding = "", verdict = ""] = row.slice(-2);
    const isBusy = crowding.split(" / ").every((each) => Number(each) > MAX_CROWDING);
    return isBusy && !verdict.startsWith("not judged");
  });
  expect(judged).toEqual([]);
});

test("no two faults have the same name, by which rows of the matrix are found", () => {
  const names = ALL_FAULTS.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

test("a table is as wide as its longest cells, and its bars are escaped", () => {
  expect(docTable(["a", "b"], [["x | y", "1"]])).toBe(
    ["| a      | b   |", "| ------ | --- |", "| x \\| y | 1   |"].join("\n"),
  );
});
