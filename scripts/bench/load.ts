/** Watches what else a machine does before and during a benchmark, and how fast it is. */
import { readFileSync } from "node:fs";
import { median } from "./report.ts";

/** How long the machine is watched before. */
const BEFORE_MS = 2000;
/** Runs of the fixed work; the first ones are compiled while they run. */
const WORK_RUNS = 15;
const COMPILING_RUNS = 4;
const WORK_STEPS = 10_000_000;

/** What ran, and shares, from 0 to 1, of the time of all cores. */
export interface MachineLoad {
  /** Used in the seconds before the benchmark. */
  readonly busyBefore: number;
  /** Kept by the host of a virtual machine for others while something here wanted to run, during the benchmark. */
  readonly stolen: number;
  /** Milliseconds of a fixed piece of work on one core: tells a fast hour of a shared host from a slow one. */
  readonly workMs: { readonly before: number; readonly after: number };
}

/** Watches the machine for some seconds, then while `run` does its work. */
export async function watchLoad<T>(
  run: () => Promise<T>,
): Promise<{ result: T; load: MachineLoad }> {
  const first = coreTimes();
  await Bun.sleep(BEFORE_MS);
  const { busy: busyBefore } = sharesBetween(first, coreTimes());
  const before = fixedWorkMs();
  const begun = coreTimes();
  const result = await run();
  const { stolen } = sharesBetween(begun, coreTimes());
  return { result, load: { busyBefore, stolen, workMs: { before, after: fixedWorkMs() } } };
}

/** The median of some runs. */
function fixedWorkMs(): number {
  let value = 1;
  const runs = Array.from({ length: WORK_RUNS }, () => {
    const begun = performance.now();
    for (let step = 0; step < WORK_STEPS; step++) value = (value * 31 + step) | 0;
    return performance.now() - begun;
  });
  // The value is looked at, so that no compiler leaves out the work.
  return Number.isNaN(value) ? value : median(runs.slice(COMPILING_RUNS));
}

/** Time of all cores together since the machine started, in ticks. */
export interface CoreTimes {
  readonly busy: number;
  readonly stolen: number;
  readonly all: number;
}

/** Reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, and guest time, which is part of user's. */
export function coreTimes(stat = readFileSync("/proc/stat", "utf8")): CoreTimes {
  const [, ...fields] = stat.split("\n", 1)[0]?.split(/ +/) ?? [];
  const times = fields.slice(0, 8).map(Number);
  const [, , , idle = 0, waiting = 0, , , stolen = 0] = times;
  const all = times.reduce((sum, one) => sum + one, 0);
  return { busy: all - idle - waiting - stolen, stolen, all };
}

/** Shares, from 0 to 1, of the time between two readings. */
export function sharesBetween(from: CoreTimes, to: CoreTimes) {
  const all = Math.max(1, to.all - from.all);
  return { busy: (to.busy - from.busy) / all, stolen: (to.stolen - from.stolen) / all };
}
