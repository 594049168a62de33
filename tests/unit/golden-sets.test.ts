/** Every set of the complete reference data has a test that reads it, as tests/reference/README.md says. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedData } from "../support/shared-data.ts";

const tests = join(import.meta.dir, "..");
const readme = readFileSync(join(tests, "reference/README.md"), "utf8");
const [, table = ""] = readme.split("## Who checks the complete data");
const rows = [...table.matchAll(/^\| (`.*?`) \| (.*?) \|$/gm)].map(([, sets = "", who = ""]) => ({
  sets: [...sets.matchAll(/`(.*?)`/g)].map(([, set = ""]) => set),
  files: [...who.matchAll(/(?:unit|integration)\/[\w/-]+/g)].map(([file]) => file),
}));

test("every test that the table names is there", () => {
  expect(rows.length).toBeGreaterThan(10);
  for (const { files } of rows) {
    expect(files).not.toEqual([]);
    for (const file of files) {
      expect([file, existsSync(join(tests, `${file}.test.ts`))]).toEqual([file, true]);
    }
  }
});

const golden = sharedData("golden");
test.skipIf(golden === null)("the table has every set (../shared/data/golden)", async () => {
  const known = new Set(rows.flatMap(({ sets }) => sets));
  const found: string[] = [];
  for await (const path of new Bun.Glob("*/*.json").scan({ cwd: golden ?? "" })) {
    const set = path.slice(0, -".json".length);
    // Graphs that runs.json lists, and facts about other people's workflows.
    const isApart = /^(graph-runs\/(?!runs$)|graphs\/workflows$)/.test(set);
    if (!isApart) found.push(set);
  }
  expect(found.filter((set) => !known.has(set))).toEqual([]);
  expect([...known].filter((set) => !found.includes(set))).toEqual([]);
});
