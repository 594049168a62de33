/** Turns the runs of benchmark `trickle` into rows: latency, losses, CPU and memory for growing numbers of channels. */
import { type Measurement, median } from "./report.ts";
import type { TrickleFigures, TrickleRun } from "./trickle-load.ts";

/** The embedded server, go-livepeer's, and the relay of bare sockets. */
export const SIDES = ["product", "go", "raw"] as const;
export type Side = (typeof SIDES)[number];

/** All runs of one side, by number of channels, in ascending order. */
export type RunsByChannels = ReadonlyMap<number, readonly TrickleRun[]>;

/** At these numbers of channels the aims hold. */
export const JUDGED = [1, 50];
const MOST_P99_MS = 100;
const NAMES: Readonly<Record<Side, string>> = {
  product: "embedded server",
  go: "go-livepeer",
  raw: "raw sockets",
};

/** Why a side failed at this number of channels, in the median of its runs; null if it did not. */
export function failureOf(runs: readonly TrickleRun[]): string | null {
  for (const run of runs) if (run.kind === "failed") return run.why;
  const lost = median(figuresOf(runs).map((run) => run.lost));
  if (lost > 0) return `${lost} of ${figuresOf(runs)[0]?.sent} chunks lost`;
  const p99 = median(figuresOf(runs).map((run) => run.p99));
  return p99 > MOST_P99_MS ? `p99 of ${Math.round(p99)} ms` : null;
}

export interface TrickleRows {
  readonly runs: Readonly<Record<Side, RunsByChannels>>;
  /** Why there are no runs against go-livepeer's server; null if there are. */
  readonly goAbsent: string | null;
}

export function trickleRows({ runs, goAbsent }: TrickleRows): Measurement[] {
  const counts = [...new Set(SIDES.flatMap((side) => [...runs[side].keys()]))];
  const perCount = counts.toSorted((a, b) => a - b).flatMap((count) => countRows(count, runs));
  return [
    { ...capacityRow(runs, "go"), ...(goAbsent === null ? {} : { note: goAbsent }) },
    capacityRow(runs, "raw"),
    ...perCount.filter(({ samples }) => samples.length > 0),
  ];
}

/** The largest number of channels below the first failure; nothing without runs. */
function mostOf(runs: RunsByChannels): number[] {
  if (runs.size === 0) return [];
  const tooMany = [...runs].find(([, of]) => failureOf(of) !== null)?.[0];
  return [[...runs.keys()].findLast((count) => count < (tooMany ?? Number.POSITIVE_INFINITY)) ?? 0];
}

function capacityRow(runs: TrickleRows["runs"], against: Side): Measurement {
  const failures = (["product", against] as const).flatMap((side) => {
    const [count, of = []] = [...runs[side]].find(([, list]) => failureOf(list) !== null) ?? [];
    return count === undefined ? [] : [`${NAMES[side]} with ${count}: ${failureOf(of)}`];
  });
  return {
    case: `channels without loss and p99 ≤ ${MOST_P99_MS} ms, against ${NAMES[against]}`,
    unit: "channels",
    samples: mostOf(runs.product),
    reference: { name: NAMES[against], samples: mostOf(runs[against]) },
    note: failures.length > 0 ? failures.join("; ") : "more were not tried",
  };
}

/** Without samples where the embedded server has failed. */
function countRows(count: number, runs: TrickleRows["runs"]): Measurement[] {
  const of = (side: Side) => figuresOf(runs[side].get(count) ?? []);
  const channels = `${count} channel${count === 1 ? "" : "s"}`;
  // A process may keep memory of the run with the most channels, which later rounds would show.
  const first = (side: Side) => figuresOf((runs[side].get(count) ?? []).slice(0, 1));
  const row = (what: string, unit: string, read: (run: TrickleFigures) => number, from = of) => {
    const against = (side: Side) => ({ name: NAMES[side], samples: from(side).map(read) });
    const samples = from("product").map(read);
    const againstRaw = `${what} against raw sockets`;
    return {
      go: {
        case: `${channels}: ${what}`,
        unit,
        samples,
        reference: against("go"),
        series: { name: what, x: count },
      },
      raw: {
        case: `${channels}: ${againstRaw}`,
        unit,
        samples,
        reference: against("raw"),
        series: { name: againstRaw, x: count },
      },
    };
  };
  const p50 = row("latency p50", "ms", (run) => run.p50);
  const p99 = row("latency p99", "ms", (run) => run.p99);
  const cpu = row("server CPU", "CPU s/s", (run) => run.serverCpu);
  const aim = (bound: number) =>
    JUDGED.includes(count) ? { aim: { on: "ratio", sign: "≤", bound } as const } : {};
  return [
    { ...p50.go, ...aim(1.2) },
    { ...p99.go, ...aim(2) },
    p50.raw,
    p99.raw,
    {
      case: `${channels}: chunks lost`,
      unit: "chunks",
      samples: of("product").map((run) => run.lost),
      reference: { name: NAMES.go, samples: of("go").map((run) => run.lost) },
    },
    cpu.go,
    cpu.raw,
    row("server memory", "MB", (run) => run.memoryMb, first).go,
    row("CPU of publishers and subscribers", "CPU s/s", (run) => run.loadCpu).go,
  ];
}

const figuresOf = (runs: readonly TrickleRun[]): TrickleFigures[] =>
  runs.flatMap((run) => (run.kind === "measured" ? [run] : []));
