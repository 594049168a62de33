import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../../..");

/** The first argument of a call whose second is a function: `test("title", () => …)`, also behind `test.each(…)`. */
const TITLE = /\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1,\s*(?:async\s*)?(?:\(|\w+\s*=>)/g;

function titlesOf(file: string): Set<string> {
  const path = join(root, "tests", `${file}.test.ts`);
  if (!existsSync(path)) return new Set();
  const source = readFileSync(path, "utf8");
  return new Set(Array.from(source.matchAll(TITLE), ([, , title = ""]) => title));
}

const page = readFileSync(join(root, "docs/conformance.md"), "utf8");
const named = Array.from(
  page.matchAll(/^ {2}- `((?:unit|integration|interop)\/[\w/-]+)`: (.+)$/gm),
  ([, file = "", title = ""]) => ({ file, title }),
);

test("every test that docs/conformance.md names exists", () => {
  expect(named.length).toBeGreaterThan(100);
  const missing = named.filter(({ file, title }) => !titlesOf(file).has(title));
  expect(missing, "a renamed test must be renamed in docs/conformance.md, too").toEqual([]);
});

test("every requirement of docs/conformance.md has a test", () => {
  const [requirements = ""] = page.split("## Exceptions");
  const untested = [...requirements.matchAll(/^- .+\n(?! {2}- `)/gm)].map(([line]) => line);
  expect(untested).toEqual([]);
  expect(requirements.match(/^ {2}- /gm)?.length).toBe(named.length);
});
