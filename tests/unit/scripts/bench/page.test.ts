import { expect, test } from "bun:test";
import { join } from "node:path";
import { PAGE, sectionText } from "../../../../scripts/bench/page.ts";
import { report } from "../../../../scripts/bench/report.ts";
import { withSummary } from "../../../../scripts/bench/summary.ts";
import { BENCHMARKS } from "../../../../scripts/bench.ts";
import { docSection, sectionOf } from "../../../../scripts/doc-section.ts";

const made = report("http", [
  {
    case: "speed | all",
    unit: "req/s",
    samples: [30, 10, 20],
    reference: { name: "the peer", samples: [40, 20] },
    aim: { on: "ratio", sign: "≥", bound: 0.65 },
  },
  { case: "p99", unit: "ms", samples: [7], aim: { on: "value", sign: "≤", bound: 5 } },
  { case: "memory", unit: "MB", samples: [], note: "not measured here" },
]);

test.each(Object.keys(BENCHMARKS))("%s has its section on the page", async (name) => {
  expect(await docSection(PAGE, name)).not.toBe("");
});

test("the section has a row for each case, with units, and says which aims were missed", () => {
  const rows = sectionText(made, [])
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| |\|$/g, "").trim()));
  expect(rows).toEqual([
    ["speed \\| all", "20 req/s", "30 req/s, the peer", "0.6667", "≥ 0.65", "yes"].concat(
      "10–30 in 3 runs; reference 20–40 in 2 runs",
    ),
    ["p99", "7 ms", "", "", "≤ 5 ms", "**no**", ""],
    ["memory", "—", "", "", "", "", "not measured here"],
  ]);
  expect(sectionText(made, [])).toEndWith("Aims met: 1 of 2. Missed: p99.");
});

test("the summary says what the sections say", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../../../docs", PAGE)).text();
  expect(withSummary(page)).toBe(page);
  expect(sectionOf(page, "summary").split("\n")).toHaveLength(16);
});

test("the section names the time, the machine with its load, the commit and the versions", () => {
  const workMs = { before: 9.84, after: 12 };
  const text = sectionText({ ...made, load: { busyBefore: 0.3, stolen: 0.0123, workMs } }, []);
  expect(text).toStartWith(`Measured ${made.date.slice(0, 10)}`);
  expect(text).toContain(` UTC on ${made.machine.cpu}`);
  expect(text).toContain("30 % busy before, which is not idle: trust the ratios");
  expect(text).toContain("1.2 % of its time taken by its host");
  expect(text).toContain("fixed work in 9.8 ms before and 12.0 ms after");
  expect(text).toContain(`commit ${made.commit}`);
  expect(text).toContain(`bun ${Bun.version}`);
});

test("a plot stands above the table, with a text for those who do not see it", () => {
  const text = sectionText(made, [{ name: "http", alt: "requests", svg: "" }]);
  expect(text).toMatch(/!\[requests\]\(plots\/http\.svg\)\n\n\| Case/);
});
