/** Makes the plots of a benchmark's report: how its measurements are distributed, and how cost grows with streams or channels. */
import type { Axis } from "./chart/axis.ts";
import { type Line, lineChart, type Panel, type Point } from "./chart/line-chart.ts";
import { type Report, type Row, shown } from "./report.ts";

export interface Plot {
  /** Name of its file, without an ending. */
  readonly name: string;
  /** What it shows, for those who do not see it. */
  readonly alt: string;
  readonly svg: string;
}

/** What the points of a benchmark's curves are numbered by. */
const COUNTED: Readonly<Record<string, string>> = {
  streams: "streams",
  memory: "streams",
  trickle: "channels",
};

const MARKED = [50, 95, 99];
/** The share of 100 % has no place on the axis. */
const LAST_PERCENT = 99;
/** Values that differ by more than this factor need a logarithmic axis. */
const WIDE = 50;

/** None if no row has a distribution or a point of a curve. */
export function plotsOf(report: Report): Plot[] {
  return [distributionPlot(report), seriesPlot(report)].filter((plot) => plot !== null);
}

/** The share of measurements up to each value, on a logarithmic axis. */
function distributionPlot({ benchmark, rows, date }: Report): Plot | null {
  const distributions = rows.flatMap((row) => row.distributions ?? []);
  const lines = distributions.map(({ name, count, quantiles }, colour): Line => {
    const at = (percent: number): Point => [quantiles[percent] ?? 0, percent / 100];
    const figures = MARKED.map((percent) => `p${percent} ${threeDigits(at(percent)[0])}`).join(
      " · ",
    );
    const points = quantiles.slice(0, LAST_PERCENT + 1).map((_, percent) => at(percent));
    const detail = `${figures}  (${count.toLocaleString("en-US")} frames)`;
    const positive = ([value]: Point) => value > 0; // others have no place on the axis
    return { name, detail, points: points.filter(positive), marks: MARKED.map(at), colour };
  });
  if (lines.length === 0) return null;
  const unit = rows.find((row) => row.distributions)?.unit ?? "";
  const title = `${capital(benchmark)} of every frame`;
  const alt = `${title}: ${lines.map(({ name, detail }) => `${name} ${detail}`).join("; ")}`;
  const panel: Panel = {
    x: { title: `${benchmark}, ${unit}`, scale: "log" },
    y: { title: "share of frames that took at most so long", scale: "tail" },
    lines,
  };
  const subtitle = `Dots mark p50, p95 and p99, in ${unit}. Further left is better. Measured ${date.slice(0, 10)}.`;
  return {
    name: `${benchmark}-distribution`,
    alt,
    svg: lineChart({ title, subtitle, panels: [panel] }),
  };
}

/** A panel for each unit, with a line for each name and one for what it is compared with. */
function seriesPlot({ benchmark, rows, date }: Report): Plot | null {
  const points = rows.filter((row) => row.series && row.value !== null);
  if (points.length === 0) return null;
  const counted = COUNTED[benchmark] ?? "N";
  const units = [...new Set(points.map(({ unit }) => unit))];
  const panels = units.map((unit) =>
    panelOf(
      points.filter((row) => row.unit === unit),
      unit,
      counted,
    ),
  );
  const title = `${capital(benchmark)}: cost by number of ${counted}`;
  const names = panels.flatMap(({ lines }) => lines.filter(({ dash }) => !dash));
  const alt = `${title}: ${names.map(({ name }) => name).join(", ")}`;
  const subtitle = `Medians. Broken lines are what they are compared with. Measured ${date.slice(0, 10)}.`;
  return { name: benchmark, alt, svg: lineChart({ title, subtitle, panels }) };
}

/** One colour for each name; a dash for each thing that it is compared with. */
function panelOf(rows: readonly Row[], unit: string, counted: string): Panel {
  const names = [...new Set(rows.map(nameOf))];
  const lines = names.flatMap((name, colour): Line[] => {
    const own = rows.filter((row) => nameOf(row) === name);
    const points = pointsOf(own, ({ value }) => value);
    const references = [...new Set(own.flatMap(({ reference }) => reference ?? []))];
    const compared = references.map((reference, at): Line => {
      const those = own.filter((row) => row.reference === reference);
      const marks = pointsOf(those, (row) => row.reference_value);
      const label = names.length === 1 ? reference : `${name}, ${reference}`;
      return { name: label, points: marks, marks, colour, dash: at + 1 };
    });
    return [{ name, points, marks: points, colour }, ...compared];
  });
  const drawn = lines.filter(({ points }) => points.length > 0);
  const all = drawn.flatMap(({ points }) => points);
  const xs = [...new Set(all.map(([x]) => x))].toSorted((a, b) => a - b);
  const x: Axis = { title: counted, scale: isWide(xs, 4) ? "log" : "linear", ticks: xs };
  const heights = all.map(([, y]) => y);
  return { x, y: { title: unit, scale: isWide(heights, WIDE) ? "log" : "linear" }, lines: drawn };
}

/** Of a series. `p50 against raw sockets` is `p50`, compared once more. */
const nameOf = ({ series }: Row): string => series?.name.replace(/ against .*$/, "") ?? "";

/** One at each place, from left to right. */
function pointsOf(rows: readonly Row[], read: (row: Row) => number | null): Point[] {
  const byPlace = new Map<number, number>();
  for (const row of rows) {
    const value = read(row);
    if (row.series && value !== null) byPlace.set(row.series.x, value);
  }
  return [...byPlace].toSorted(([a], [b]) => a - b);
}

const isWide = (values: readonly number[], factor: number): boolean =>
  Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > factor;

const threeDigits = (value: number): string => shown(Number(value.toPrecision(3)));

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
