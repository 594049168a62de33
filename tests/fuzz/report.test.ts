import { expect, test } from "bun:test";
import { defineTarget, type FuzzRun, type FuzzTarget } from "./fuzz.ts";
import { fuzzReport } from "./report.ts";

const target = (name: string, found: FuzzTarget["found"] = []) =>
  defineTarget({
    name,
    inputs: `bytes of ${name}`,
    found,
    open: () => Promise.reject(new Error("never")),
  });

const run = (name: string, cases: number): FuzzRun => ({
  target: name,
  cases,
  seed: 1,
  seconds: 10,
  findings: [],
  memory: { before: 90, after: 91 },
});

/** Without the spaces that make columns as wide as their cells. */
const narrow = (text: string): string => text.replace(/ +/g, " ");

const found = [{ what: "a crash", test: ["unit/a.test.ts", "does not crash"] }] as const;

test("a target keeps its figures while others run, until it runs again or is gone", () => {
  const targets = [target("one"), target("two", found), target("three")];
  const written = fuzzReport([run("one", 100_000), run("two", 50_000)], targets, "");
  const first = narrow(written);
  expect(first).toContain("| `one` | bytes of one | 100,000 | 10,000 | 90 → 91 | 0 |");
  expect(first).toContain("| `three` | bytes of three | not run | | | 0 |");
  expect(first).toContain("| `two` | a crash | `tests/unit/a.test.ts` |");
  const second = narrow(fuzzReport([run("one", 200_000)], targets.slice(0, 2), written));
  expect(second).toContain("| `one` | bytes of one | 200,000 |");
  expect(second).toContain("| `two` | bytes of two | 50,000 |");
  expect(second).not.toContain("three");
});
