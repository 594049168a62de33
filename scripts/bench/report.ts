/** Formats a benchmark's results as a table and as JSON. */
import { join } from "node:path";
import type { MachineLoad } from "./load.ts";
import { commit, machine, versions } from "./machine.ts";

/** One measured case. Its runs alternate with those of its reference. */
export interface Measurement {
  readonly case: string;
  readonly unit: string;
  readonly samples: readonly number[];
  /** What the case is compared with; without samples it is absent, and `note` says why. */
  readonly reference?: Samples;
  readonly aim?: Aim;
  readonly note?: string;
  readonly series?: SeriesPoint;
  /** Everything that was measured, in the row's unit, such as the latency of each frame: curves of a plot. */
  readonly distributions?: readonly Samples[];
}

export interface Samples {
  readonly name: string;
  readonly samples: readonly number[];
}

/** A point of a curve: the row's value at `x` streams or channels. Rows with one name and unit are one curve. */
export interface SeriesPoint {
  readonly name: string;
  readonly x: number;
}

/** A distribution as it is written to the file. */
export interface Distribution {
  readonly name: string;
  readonly count: number;
  /** From 0 to 100 % in steps of 1 %. */
  readonly quantiles: readonly number[];
}

/** A bound on the row's own value, or on its ratio to the reference. */
export interface Aim {
  readonly on: "value" | "ratio";
  readonly sign: "≤" | "≥" | ">";
  readonly bound: number;
}

/** A row of the table, written to the file in this form. */
export interface Row {
  readonly case: string;
  /** Null if nothing could be measured; the note says why. */
  readonly value: number | null;
  readonly unit: string;
  readonly reference: string | null;
  readonly reference_value: number | null;
  readonly ratio: number | null;
  readonly aim: string | null;
  readonly met: boolean | null;
  readonly note?: string;
  readonly series?: SeriesPoint;
  readonly distributions?: readonly Distribution[];
}

export interface Report {
  readonly benchmark: string;
  readonly date: string;
  readonly commit: string;
  readonly machine: ReturnType<typeof machine>;
  /** Null if it was not watched. */
  readonly load: MachineLoad | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** Below this share of busy cores a machine counts as idle: daemons take some. */
const IDLE = 0.05;

/** The median; NaN of an empty list. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** The quantile `share` (0 to 1) of the samples, interpolated; NaN of an empty list. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export function report(
  benchmark: string,
  measurements: readonly Measurement[],
  load: MachineLoad | null = null,
): Report {
  return {
    benchmark,
    date: new Date().toISOString(),
    commit: commit(),
    machine: machine(),
    load,
    versions: versions(),
    rows: measurements.map(toRow),
  };
}

/** Writes `bench-results/<benchmark>.json`; returns its path. */
export async function writeReport(made: Report, folder: string): Promise<string> {
  const path = join(folder, `${made.benchmark}.json`);
  await Bun.write(path, `${JSON.stringify(made, null, 2)}\n`);
  return path;
}

/** A line with the machine, its load and the commit, and one with the versions. */
export function circumstances({
  commit,
  machine,
  load,
  versions,
}: Report): readonly [string, string] {
  const { cpu, cores, memory_mb, os } = machine;
  return [
    [
      `${cpu}, ${cores} cores, ${memory_mb} MB, ${os}`,
      ...(load ? loadText(load) : []),
      `commit ${commit}`,
    ].join("; "),
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(" · "),
  ];
}

function loadText({ busyBefore, stolen, workMs }: MachineLoad): string[] {
  const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
  const doubt = busyBefore < IDLE ? "" : ", which is not idle: trust the ratios";
  return [
    `${percent(busyBefore)} busy before${doubt}`,
    `${percent(stolen)} of its time taken by its host`,
    `fixed work in ${workMs.before.toFixed(1)} ms before and ${workMs.after.toFixed(1)} ms after`,
  ];
}

/** The rows that have an aim and did not reach it. */
export const missed = (rows: readonly Row[]): readonly Row[] =>
  rows.filter(({ met }) => met === false);

/** Formats the report as a table. */
export function describe(made: Report): string {
  const { benchmark, date, rows } = made;
  const head = [`${benchmark} · ${date}`, ...circumstances(made)];
  const titles = ["case", "value", "unit", "reference", "its value", "ratio", "aim", "met", "note"];
  const lines = rows.map((row) => [
    row.case,
    shown(row.value),
    row.unit,
    row.reference ?? "",
    shown(row.reference_value),
    shown(row.ratio),
    row.aim ?? "",
    row.met === null ? "" : row.met ? "yes" : "NO",
    row.note ?? "",
  ]);
  const misses = missed(rows).map((row) => row.case);
  const foot = misses.length > 0 ? [`missed: ${misses.join("; ")}`] : [];
  return [...head, "", ...table([titles, ...lines]), "", ...foot].join("\n");
}

function toRow(measured: Measurement): Row {
  const { case: name, unit, samples, reference, aim, note, series } = measured;
  const value = samples.length === 0 ? null : median(samples);
  const other = reference && reference.samples.length > 0 ? median(reference.samples) : null;
  const ratio = value === null || other === null || other <= 0 ? null : value / other;
  const judged = aim?.on === "ratio" ? ratio : value;
  const notes = [
    spread("", samples),
    spread("reference ", reference?.samples ?? []),
    note ?? "",
  ].filter((text) => text !== "");
  const measuredAll = measured.distributions?.filter((each) => each.samples.length > 0) ?? [];
  const distributions = measuredAll.map(toDistribution);
  return {
    case: name,
    value: value === null ? null : rounded(value),
    unit,
    reference: reference?.name ?? null,
    reference_value: other === null ? null : rounded(other),
    ratio: ratio === null ? null : rounded(ratio),
    aim: aim ? aimText(aim, unit) : null,
    met: aim && judged !== null ? holds(judged, aim) : null,
    ...(notes.length > 0 ? { note: notes.join("; ") } : {}),
    ...(series && { series }),
    ...(distributions.length > 0 && { distributions }),
  };
}

/** With a unit if it is on the value. */
const aimText = ({ on, sign, bound }: Aim, unit: string): string =>
  `${sign} ${rounded(bound)}${on === "value" ? ` ${unit}` : ""}`;

function toDistribution({ name, samples }: Samples): Distribution {
  const quantiles = Array.from({ length: 101 }, (_, percent) => quantile(samples, percent / 100));
  return { name, count: samples.length, quantiles: quantiles.map(rounded) };
}

function spread(of: string, samples: readonly number[]): string {
  if (samples.length < 2) return "";
  const ends = [Math.min(...samples), Math.max(...samples)].map((value) => shown(rounded(value)));
  return `${of}${ends.join("–")} in ${samples.length} runs`;
}

function holds(value: number, { sign, bound }: Aim): boolean {
  if (sign === "≤") return value <= bound;
  return sign === "≥" ? value >= bound : value > bound;
}

/** Rounds to four significant digits. */
const rounded = (value: number): number => Number(value.toPrecision(4));

export const shown = (value: number | null): string => (value === null ? "—" : String(value));

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return /^[\d.—-]+$/.test(cell) ? cell.padStart(width) : cell.padEnd(width);
    });
    return cells.join("  ").trimEnd();
  });
}
