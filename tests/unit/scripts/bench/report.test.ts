import { expect, test } from "bun:test";
import { describe, median, quantile, report } from "../../../../scripts/bench/report.ts";

const measured = {
  case: "speed",
  unit: "frames/s",
  samples: [30, 10, 20],
  reference: { name: "the loop", samples: [40, 20] },
} as const;

test("a row holds medians, their ratio and whether it meets the aim", () => {
  const aim = { on: "ratio", sign: "≥", bound: 0.65 } as const;
  const [row] = report("pipeline", [{ ...measured, aim }]).rows;
  expect(row).toEqual({
    case: "speed",
    value: 20,
    unit: "frames/s",
    reference: "the loop",
    reference_value: 30,
    ratio: 0.6667,
    aim: "≥ 0.65",
    met: true,
    note: "10–30 in 3 runs; reference 20–40 in 2 runs",
  });
});

test("an aim on the value is judged by the value, and has its unit", () => {
  const aim = { on: "value", sign: "≤", bound: 19.9 } as const;
  const [row] = report("latency", [{ ...measured, aim }]).rows;
  expect(row).toMatchObject({ met: false, aim: "≤ 19.9 frames/s" });
});

test("a reference of zero or less gives no ratio", () => {
  for (const reference of [0, -0.06]) {
    const of = { name: "frames without a change", samples: [reference] };
    const made = report("none", [{ case: "a", unit: "ms", samples: [0.85], reference: of }]);
    expect(made.rows[0]).toMatchObject({ reference_value: reference, ratio: null });
  }
});

test("a reference that is not there leaves the ratio and the verdict open", () => {
  const aim = { on: "ratio", sign: "≥", bound: 3 } as const;
  const reference = { name: "the peer", samples: [] };
  const note = "the peer is not installed";
  const [row] = report("http", [{ ...measured, reference, aim, note }]).rows;
  expect(row).toMatchObject({
    reference: "the peer",
    reference_value: null,
    ratio: null,
    met: null,
  });
  expect(row?.note).toEndWith(note);
});

test("the table has a line for each row and names what missed its aim", () => {
  const aim = { on: "ratio", sign: "≤", bound: 0.5 } as const;
  const text = describe(report("pipeline", [{ ...measured, aim }]));
  expect(text).toMatch(/speed +20 +frames\/s +the loop +30 +0\.6667 +≤ 0\.5 +NO/);
  expect(text).toEndWith("missed: speed");
});

test("quantiles lie between the two nearest samples", () => {
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
  expect(median([])).toBeNaN();
});

test("a case that could not be measured has no value and misses no aim", () => {
  const [row] = report("b", [
    { case: "c", unit: "ms", samples: [], aim: { on: "value", sign: "≤", bound: 1 } },
  ]).rows;
  expect(row).toMatchObject({ value: null, ratio: null, met: null });
});
