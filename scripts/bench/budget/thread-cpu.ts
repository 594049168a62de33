/** Divides the CPU time of a process of Bun among its kinds of threads, from what the kernel counts for each. */
import { readdirSync, readFileSync } from "node:fs";

export const THREAD_KINDS = [
  "main thread",
  "model threads",
  "pool of native calls",
  "garbage collection and JIT",
  "HTTP client",
  "others",
] as const;
export type ThreadKind = (typeof THREAD_KINDS)[number];

/** CPU seconds by kind of thread. */
export type CpuByKind = Readonly<Record<ThreadKind, number>>;

/** Names as the kernel has them, cut to 15 characters; of long ones Bun keeps the end. */
const NAMES: readonly (readonly [RegExp, ThreadKind])[] = [
  [/^Worker/, "model threads"],
  [/^Bun Pool/, "pool of native calls"],
  [
    /^(JITWorker|JSCWarmUp|HeapHelper|mi-scavenger|.*ollector Thread|.*Signal Sender)/,
    "garbage collection and JIT",
  ],
  [/^HTTP Client/, "HTTP client"],
];

/** The kind of a thread of this name. The first thread of a process has the name of its program. */
export const kindOf = (name: string, isFirst: boolean): ThreadKind =>
  isFirst ? "main thread" : (NAMES.find(([names]) => names.test(name))?.[1] ?? "others");

/** CPU seconds used so far. Threads that have ended count among the others. */
export function cpuByKind(pid: number): CpuByKind {
  const seconds = emptyCpu();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = threadStat(pid, thread);
    if (stat !== null) seconds[kindOf(stat.name, thread === String(pid))] += stat.cpuSeconds;
  }
  const counted = THREAD_KINDS.reduce((sum, kind) => sum + seconds[kind], 0);
  seconds.others += Math.max(0, processStat(pid).cpuSeconds - counted);
  return seconds;
}

/** CPU seconds a second between two readings. */
export function cpuShares(before: CpuByKind, after: CpuByKind, seconds: number): CpuByKind {
  const shares = emptyCpu();
  for (const kind of THREAD_KINDS) shares[kind] = (after[kind] - before[kind]) / seconds;
  return shares;
}

const emptyCpu = (): Record<ThreadKind, number> => ({
  "main thread": 0,
  "model threads": 0,
  "pool of native calls": 0,
  "garbage collection and JIT": 0,
  "HTTP client": 0,
  others: 0,
});

/** What the kernel counts for a process or a thread (proc(5), `/proc/pid/stat`). */
export interface Stat {
  readonly name: string;
  readonly cpuSeconds: number;
  /** Minor faults: each maps memory that the process did not have. */
  readonly pageFaults: number;
}

/** Clock ticks a second; fixed on Linux. */
const STAT_HZ = 100;

/** Reads the text of a `stat` file. */
export function parseStat(text: string): Stat {
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  return {
    name: text.slice(text.indexOf("(") + 1, end),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / STAT_HZ,
    pageFaults: Number(fields[7]),
  };
}

export const processStat = (pid: number): Stat =>
  parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));

/** Null for a thread that has ended meanwhile. */
function threadStat(pid: number, thread: string): Stat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8"));
  } catch {
    return null;
  }
}
