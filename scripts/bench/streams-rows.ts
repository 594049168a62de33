/** Turns the runs of benchmark `streams` into rows: what dropped, and what a stream costs. */
import { CLIP_FPS } from "./clip.ts";
import { totalMemory } from "./memory-samples.ts";
import { type Measurement, median } from "./report.ts";
import type { StreamsRun } from "./streams-run.ts";

const MOST_DROPPED = 0.01;
const WANTED_STREAMS = 12;
const WANTED_MB = 20;
/** How much more a stream may cost beside others than alone. */
const FLAT = 1.05;

/** All runs, by number of streams. */
export type RunsByCount = ReadonlyMap<number, readonly StreamsRun[]>;

export interface Limits {
  readonly cores: number;
  /** CPU seconds a frame of the bare loop, one value a round. */
  readonly loopCpu: readonly number[];
}

/** The share of the frames sent that did not come out, 0 to 1. */
export const droppedShare = ({ frames }: StreamsRun): number => 1 - frames.out / frames.sent;

/** Whether too many frames are dropped at this number of streams, in the median of its runs. */
export const isOverloaded = (runs: readonly StreamsRun[]): boolean =>
  median(runs.map(droppedShare)) >= MOST_DROPPED;

/** The number of streams to try after `count`: doubled up to 4, then in steps of a quarter, of 2 at least. */
export function nextCount(count: number): number {
  return count < 4 ? count * 2 : count + Math.max(2, 2 * Math.floor(count / 8));
}

export function streamsRows(runs: RunsByCount, limits: Limits): Measurement[] {
  const counts = [...runs.keys()].toSorted((a, b) => a - b);
  const alone = runs.get(1) ?? [];
  return [
    capacityRow(runs, counts, limits),
    ...counts.flatMap((count) => countRows(count, runs.get(count) ?? [], alone, limits)),
  ];
}

function capacityRow(runs: RunsByCount, counts: readonly number[], limits: Limits): Measurement {
  const tooMany = counts.find((count) => isOverloaded(runs.get(count) ?? []));
  const most = counts.findLast((count) => count < (tooMany ?? Number.POSITIVE_INFINITY)) ?? 0;
  const feeders = median((runs.get(most || 1) ?? []).map(({ feederCpu }) => feederCpu));
  const aim = { on: "value", sign: "≥", bound: WANTED_STREAMS } as const;
  return {
    case: "streams with less than 1 % dropped",
    unit: "streams",
    samples: [most],
    reference: {
      name: "bare loop beside the feeders",
      samples: limits.loopCpu.map((cpu) => limits.cores / (cpu * CLIP_FPS + feeders)),
    },
    ...(tooMany !== undefined || most >= WANTED_STREAMS ? { aim } : {}),
    note:
      tooMany === undefined
        ? "more were not tried"
        : `${tooMany}, the next step, are too many for ${limits.cores} cores`,
  };
}

function countRows(
  count: number,
  runs: readonly StreamsRun[],
  alone: readonly StreamsRun[],
  { loopCpu }: Limits,
): Measurement[] {
  const streams = `${count} stream${count === 1 ? "" : "s"}`;
  const row = (what: string, unit: string, of: (run: StreamsRun) => number) => ({
    case: `${streams}: ${what}`,
    unit,
    samples: runs.map(of),
    series: { name: what, x: count },
  });
  const isBesideOthers = count > 1 && alone.length > 0;
  const cpu = (run: StreamsRun) => run.serverCpu + run.engineCpu;
  const loop = { name: "bare loop", samples: loopCpu.map((seconds) => seconds * CLIP_FPS) };
  const one = { name: "1 stream", samples: alone.map(cpu) };
  const flat = { reference: one, aim: { on: "ratio", sign: "≤", bound: FLAT } } as const;
  return [
    { ...row("frames dropped", "%", (run) => 100 * droppedShare(run)), note: noteOf(runs) },
    { ...row("CPU a stream", "CPU s/s", cpu), ...(isBesideOthers ? flat : {}) },
    { ...row("engine CPU a stream", "CPU s/s", (run) => run.engineCpu), reference: loop },
    row("server CPU a stream", "CPU s/s", (run) => run.serverCpu),
    row("feeder CPU a stream", "CPU s/s", (run) => run.feederCpu),
    row("latency p50", "ms", ({ p50 }) => median(p50)),
    { ...row("latency p95", "ms", ({ p95 }) => median(p95)), note: worstOf(runs) },
    ...(isBesideOthers ? [memoryRow(row, count, alone)] : []),
  ];
}

type RowOf = (what: string, unit: string, of: (run: StreamsRun) => number) => Measurement;

function memoryRow(row: RowOf, count: number, alone: readonly StreamsRun[]): Measurement {
  const first = median(alone.map(({ memory }) => totalMemory(memory)));
  return {
    ...row(
      "memory of a further stream",
      "MB",
      ({ memory }) => (totalMemory(memory) - first) / (count - 1),
    ),
    aim: { on: "value", sign: "≤", bound: WANTED_MB },
  };
}

/** Frames that never arrived, and feeders that could not keep the pace, are losses of the machine and are said. */
function noteOf(runs: readonly StreamsRun[]): string {
  const sum = (of: (run: StreamsRun) => number) => runs.reduce((total, run) => total + of(run), 0);
  const sent = sum(({ frames }) => frames.sent);
  const missing = sent - sum(({ frames }) => frames.in);
  const late = Math.round(Math.max(...runs.map(({ lateMs }) => lateMs)));
  return `of ${sent} sent ${missing} did not reach the engine; feeders at most ${late} ms late`;
}

const worstOf = (runs: readonly StreamsRun[]): string =>
  `median of the streams; the worst ${Math.max(...runs.flatMap(({ p95 }) => p95))}`;
