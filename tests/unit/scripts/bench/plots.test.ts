import { expect, test } from "bun:test";
import { plotsOf } from "../../../../scripts/bench/plots.ts";
import { type Measurement, report } from "../../../../scripts/bench/report.ts";

const plots = (benchmark: string, rows: readonly Measurement[]) => plotsOf(report(benchmark, rows));

const point = (name: string, x: number, value: number, reference?: [string, number]) => ({
  case: `${x}: ${name}`,
  unit: "ms",
  samples: [value],
  series: { name, x },
  ...(reference && { reference: { name: reference[0], samples: [reference[1]] } }),
});

/** The names in the legends, in their order. */
const legend = (svg = "") =>
  [...svg.matchAll(/<text x="36"[^>]*>([^<]*)/g)].map(([, name]) => name);

test("a benchmark without curves and distributions has no plot", () => {
  expect(plots("http", [{ case: "c", unit: "ms", samples: [1] }])).toEqual([]);
});

test("a distribution is a line with its p50, p95 and p99 marked and named", () => {
  const samples = Array.from({ length: 1001 }, (_, at) => 10 + at / 10);
  const row = {
    case: "p50",
    unit: "ms",
    samples: [60],
    distributions: [{ name: "ours", samples }],
  };
  const [plot] = plots("latency", [row]);
  expect(plot?.name).toBe("latency-distribution");
  expect(plot?.svg).toContain("p50 60 · p95 105 · p99 109  (1,001 frames)");
  expect(plot?.svg.match(/<circle/g)).toHaveLength(3);
});

test("a distribution without samples, as of a peer that is not installed, is left out", () => {
  const distributions = [
    { name: "ours", samples: [1, 2] },
    { name: "the peer", samples: [] },
  ];
  const [plot] = plots("latency", [{ case: "p50", unit: "ms", samples: [1], distributions }]);
  expect(legend(plot?.svg)).toEqual(["ours"]);
});

test("cost against N has a panel for each unit and a line for each name", () => {
  const cpu = { ...point("CPU", 1, 0.2), unit: "CPU s/s" };
  const [plot] = plots("streams", [
    point("p50", 1, 6),
    point("p95", 1, 9),
    point("p50", 8, 7),
    cpu,
  ]);
  expect(plot?.name).toBe("streams");
  expect(legend(plot?.svg)).toEqual(["p50", "p95", "CPU"]);
  expect(plot?.svg.match(/<g /g)).toHaveLength(2);
  expect(plot?.svg.match(/>streams<\/text>/g)).toHaveLength(2);
});

test("what a curve is compared with is a broken line of its colour", () => {
  const rows = [1, 50].map((x) => point("p50", x, x, ["go-livepeer", x / 2]));
  const [plot] = plots("trickle", rows);
  expect(legend(plot?.svg)).toEqual(["p50", "go-livepeer"]);
  expect(plot?.svg).toContain('class="line l0 dash1"');
});

test("one measurement that is compared with two things is one curve", () => {
  const rows = [1, 50].flatMap((x) => [
    point("p50", x, x, ["go-livepeer", x / 2]),
    point("p50 against raw sockets", x, x, ["raw sockets", x / 4]),
    point("p99", x, 2 * x),
  ]);
  const [plot] = plots("trickle", rows);
  expect(legend(plot?.svg)).toEqual(["p50", "p50, go-livepeer", "p50, raw sockets", "p99"]);
});

test("rows without a value leave a gap", () => {
  const rows = [point("p50", 1, 3), { ...point("p50", 2, 0), samples: [] }, point("p50", 4, 5)];
  const [plot] = plots("trickle", rows);
  expect(plot?.svg.match(/<circle/g)).toHaveLength(2);
});

test("names cannot break the file", () => {
  const [plot] = plots("trickle", [point("<p50> & more", 1, 3)]);
  expect(plot?.svg).toContain("&lt;p50&gt; &amp; more");
});
