/** Measures processes together with all that they started. */
import { readdirSync, readFileSync } from "node:fs";
import { cpuSecondsWithEnded, memoryMb } from "./processes.ts";

export interface TreeUsage {
  /** Used so far by all threads, and by children that have ended. */
  readonly cpuSeconds: number;
  /** Resident now, added up: what processes share counts for each. */
  readonly memoryMb: number;
  /** The peaks of the processes, added up. */
  readonly peakMb: number;
}

/** A process that is below two of the roots counts once. */
export function treeUsage(...roots: readonly number[]): TreeUsage {
  const pids = [...new Set(roots.flatMap(processTree))];
  const memory = pids.map(memoryMb);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    cpuSeconds: sum(pids.map(cpuSecondsWithEnded)),
    memoryMb: sum(memory.map(({ now }) => now)),
    peakMb: sum(memory.map(({ peak }) => peak)),
  };
}

/** The ids of a process and its descendants. Throws without such a process. */
export function processTree(root: number): number[] {
  const children = readdirSync(`/proc/${root}/task`).flatMap((task) =>
    readFileSync(`/proc/${root}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
  return [root, ...children.flatMap((child) => processTree(Number(child)))];
}
