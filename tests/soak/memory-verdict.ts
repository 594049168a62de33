/** Judges how the memory of a worker's processes grew in a soak. */
import { type Growth, growthOf, type Sample } from "./growth.ts";
import type { MemoryRecord } from "./record.ts";

/** Over the samples, or in an hour of a run that has more. */
export const MAX_GROWTH_PERCENT = 2;
/** Single readings of one process scatter by more than this; 2 % of a small process are less. */
export const MAX_GROWTH_MIB = 2;
/** Samples that a line needs before its slope is believed: fewer are a process that had just started. */
const MIN_SAMPLES = 10;

export interface MemoryGrowth extends Growth {
  readonly name: string;
  readonly samples: number;
  readonly isTooMuch: boolean;
}

/** What has grown too much. */
export const memoryFaults = (memory: readonly MemoryRecord[]): string[] =>
  memoryGrowth(memory)
    .filter(({ isTooMuch }) => isTooMuch)
    .map(({ name, start, end, percent }) => {
      const change = `from ${start.toFixed(1)} to ${end.toFixed(1)} MiB`;
      return `${name} grew by ${percent.toFixed(1)} %, ${change}`;
    });

/** Of each process that lived for long, and of their sum while all of them lived, if a server and an engine did. */
export function memoryGrowth(memory: readonly MemoryRecord[]): MemoryGrowth[] {
  const lasting = memory.filter(({ samples }) => samples.length >= MIN_SAMPLES);
  const each = lasting.map(({ process, pid, samples }) => {
    const name = process === "server" ? process : `${process} ${pid}`;
    return judged(name, samples, MAX_GROWTH_MIB);
  });
  const sums = summed(lasting.map(({ samples }) => samples));
  const isWhole = new Set(lasting.map(({ process }) => process)).size > 1;
  return isWhole && sums.length >= MIN_SAMPLES ? [...each, judged("all together", sums, 0)] : each;
}

function judged(name: string, samples: readonly Sample[], allowedMib: number): MemoryGrowth {
  const growth = growthOf(samples);
  const hours = ((samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)) / 3600;
  const isTooMuch =
    growth.percent > MAX_GROWTH_PERCENT * Math.max(1, hours) &&
    growth.end - growth.start > allowedMib;
  return { name, samples: samples.length, isTooMuch, ...growth };
}

/** The sum at each time at which all have a sample. */
function summed([first = [], ...others]: readonly (readonly Sample[])[]): Sample[] {
  return first.flatMap(({ at, value }) => {
    const rest = others.map((samples) => samples.find((other) => other.at === at)?.value);
    return rest.every((one) => one !== undefined)
      ? [{ at, value: rest.reduce((sum, one) => sum + one, value) }]
      : [];
  });
}
