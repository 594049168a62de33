import { expect, test } from "bun:test";
import { join } from "node:path";
import { sectionOf, withSection } from "../../../scripts/doc-section.ts";

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
