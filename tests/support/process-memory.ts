/** Reads how much memory a process has in use, and what kind. */
import { readFileSync } from "node:fs";

/** All in MiB. */
export interface ProcessMemory {
  readonly resident: number;
  /** Its own, which nothing else can use, without what an allocator has freed and the system has not taken back yet. */
  readonly anonymous: number;
  /** Pages of files that are mapped, which the system takes back when it needs memory. */
  readonly mapped: number;
}

/** Takes the process some milliseconds, in which it cannot map memory. */
export function memoryOf(pid: number): ProcessMemory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const [resident, all] = [mebibytes(rollup, "Rss"), mebibytes(rollup, "Anonymous")];
  return { resident, anonymous: all - mebibytes(rollup, "LazyFree"), mapped: resident - all };
}

/** Resident memory alone, at no cost for the process. */
export const residentOf = (pid: number): number =>
  mebibytes(readFileSync(`/proc/${pid}/status`, "utf8"), "VmRSS");

function mebibytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1]) / 1024;
}
