import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";

const root = join(import.meta.dir, "../../..");

/**
 * The title in a call such as `test("title", () => …)`, also behind `test.each(…)` and after names that a test's own helper
 * takes first; neither skipped tests nor what is waited for.
 */
const TITLE =
  /(?<!waitFor|\.(?:skip|todo))\(\s*(?:\w+,\s*)*(["'`])((?:\\.|(?!\1)[^\\])*)\1,\s*(?:async\s*)?(?:\(|\w+\s*=>)/g;

function titlesOf(file: string): Set<string> {
  const path = join(root, "tests", `${file}.test.ts`);
  if (!existsSync(path)) return new Set();
  const source = readFileSync(path, "utf8");
  return new Set(Array.from(source.matchAll(TITLE), ([, , title = ""]) => title));
}

const page = readFileSync(join(root, "docs/conformance.md"), "utf8");
const named = Array.from(
  page.matchAll(/^ {2}- `((?:unit|integration|interop|e2e)\/[\w/-]+)`: (.+)$/gm),
  ([, file = "", title = ""]) => ({ file, title }),
);

test("every test that docs/conformance.md names exists", () => {
  expect(named.length).toBeGreaterThan(100);
  const missing = named.filter(({ file, title }) => !titlesOf(file).has(title));
  expect(missing, "a renamed test must be renamed in docs/conformance.md, too").toEqual([]);
});

test("every requirement of docs/conformance.md has a test", () => {
  const [requirements = ""] = page.split("## Runs that need more than a clone");
  const untested = [...requirements.matchAll(/^- .+\n(?! {2}- `)/gm)].map(([line]) => line);
  expect(untested).toEqual([]);
  expect(requirements.match(/^ {2}- /gm)?.length).toBe(named.length);
});

test("every test against another program is in the table of runs, with the day on which it last passed", () => {
  const runs = page.slice(page.indexOf("## Runs that"), page.indexOf("## Exceptions"));
  const rows = Array.from(
    runs.matchAll(/^\| `([\w/-]+)` +\| [^|]+ \| (\d{4}-\d\d-\d\d), [^|]+ \|$/gm),
    ([, file = "", day = ""]) => ({ file, day }),
  );
  const files = [...new Glob("interop/**/*.test.ts").scanSync(join(root, "tests"))];
  const names = files.map((file) => file.replace(/\.test\.ts$/, "")).toSorted();
  expect(
    rows.map(({ file }) => file),
    "the table and tests/interop must list the same",
  ).toEqual(names);
  for (const { day } of rows) expect(new Date(day).getTime()).toBeLessThan(Date.now());
});

test("every statement about live runners is listed in order, or is a named exception", () => {
  const section = page.slice(page.indexOf("## Live Runner"), page.indexOf("## Runs that"));
  const listed = Array.from(section.matchAll(/^- ([RSAM]\d+): /gm), ([, id = ""]) => id);
  const excepted = Array.from(page.matchAll(/^\| ([RSAM]\d+): /gm), ([, id = ""]) => id);
  const lengths = { R: 11, S: 16, A: 8, M: 5 };
  const all = Object.entries(lengths).flatMap(([letter, length]) =>
    Array.from({ length }, (_, index) => `${letter}${index + 1}`),
  );
  expect(listed).toEqual(all.filter((id) => !excepted.includes(id)));
});
