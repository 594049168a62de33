/** Judges how the memory of a worker's processes grew in a soak. */
import { type Growth, growthOf } from "./growth.ts";
import type { MemoryRecord } from "./record.ts";

/** In an hour, or in less; of server and engines together, and of each. */
export const MAX_GROWTH_PERCENT = 2;
/** Readings of a process at rest differ by more than this within minutes: less is no growth, however small the process is. */
export const SCATTER_MIB = 2;
/** Samples that a line needs before its slope is believed: fewer are a process that had just started. */
const MIN_SAMPLES = 10;

/** Of one process, or of all together. */
interface MemoryGrowth extends Growth {
  readonly name: string;
  readonly hours: number;
  readonly samples: number;
}

/** What has grown too much. */
export function memoryFaults(memory: readonly MemoryRecord[]): string[] {
  const rows = memoryGrowth(memory);
  return rows.flatMap(({ name, start, end, percent, hours }, index) => {
    const isAll = index === rows.length - 1;
    const allowed = MAX_GROWTH_PERCENT * Math.max(1, hours);
    if (percent <= allowed || (!isAll && end - start <= SCATTER_MIB)) return [];
    const change = `from ${start.toFixed(1)} to ${end.toFixed(1)} MiB`;
    return [`${name} grew by ${percent.toFixed(1)} %, ${change}`];
  });
}

/** Of each process that lived for long, and of all of them in the end; empty if there was none. */
export function memoryGrowth(memory: readonly MemoryRecord[]): MemoryGrowth[] {
  const each = memory
    .filter(({ samples }) => samples.length >= MIN_SAMPLES)
    .map(({ process, pid, samples }) => ({
      name: process === "server" ? process : `${process} ${pid}`,
      hours: ((samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)) / 3600,
      samples: samples.length,
      ...growthOf(samples),
    }));
  if (each.length === 0) return [];
  const sum = (part: (one: MemoryGrowth) => number) =>
    each.reduce((total, one) => total + part(one), 0);
  const [start, end] = [sum((one) => one.start), sum((one) => one.end)];
  const all = {
    name: "all together",
    hours: Math.max(...each.map(({ hours }) => hours)),
    samples: sum(({ samples }) => samples),
    start,
    end,
    percent: (100 * (end - start)) / start,
  };
  return [...each, all];
}
