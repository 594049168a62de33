import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../../..");

test("every test that the conformance page names is there", () => {
  const page = readFileSync(join(root, "docs/conformance.md"), "utf8");
  const named = [...page.matchAll(/`((?:unit|integration|interop)\/[^`]+)`/g)].map(
    ([, path]) => path,
  );
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((path = "") => !existsSync(join(root, "tests", path)))).toEqual([]);
});
