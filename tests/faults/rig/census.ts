/** Counts all that a worker holds, so that a leak is found and named. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  type Counts,
  children,
  descriptors,
  tally,
  threads,
  unnumbered,
} from "../../support/process-holdings.ts";
import { waitFor } from "../../support/wait-for.ts";
import type { Worker } from "./worker.ts";

/** A process that answers censuses. */
export interface CountedProcess {
  /** `server` or `engine`: its part of the worker. */
  readonly role: string;
  readonly pid: number;
}

/** How long a process may take for its answer: a full garbage collection, on a busy machine. */
const ANSWER_MS = 10_000;
/** The collector scans stacks conservatively: it may retain what the last ended stream left until another takes its place. */
const OBJECT_SLACK = 16;
/** Pools of the runtime that grow on demand up to a limit. */
const POOL_THREADS =
  /threads (Bun Pool|JITWorker|JSCWarmUp|HeapHelper|HTTP Client|mi-scavenger|ollector Thread)/;
/** Elysia forgets what it has read of its routes some minutes after one was compiled. */
const ROUTES_CACHE_TIMER = "timeout made at node_modules/elysia/dist/sucrose";

/** Everything that the server, its engines and their folders hold. Waits until every engine is ready. */
export async function census(worker: Worker): Promise<Counts> {
  await worker.ready();
  const engines = await enginePids(worker);
  const processes = [
    { role: "server", pid: worker.pid },
    ...engines.map((pid) => ({ role: "engine", pid })),
  ];
  const folders = { "temporary files": worker.temporary, workspace: worker.workspace };
  try {
    return await processCensus(processes, worker.censuses, folders);
  } catch (error) {
    const now = await enginePids(worker);
    if (engines.every((pid) => now.includes(pid))) throw error;
    return await census(worker); // one has died meanwhile: its successor counts
  }
}

const enginePids = async (worker: Worker): Promise<number[]> =>
  (await worker.engines()).flatMap(({ pid }) => pid ?? []);

/**
 * What processes hold that have census-preload.ts, and the files of folders by their names. `answers` is the processes'
 * CENSUS_FOLDER.
 */
export async function processCensus(
  processes: readonly CountedProcess[],
  answers: string,
  folders: Readonly<Record<string, string>> = {},
): Promise<Counts> {
  const counts: Record<string, number> = {};
  const pids = new Set(processes.map(({ pid }) => pid));
  for (const { role, pid } of processes) {
    const parts = [
      await answerOf(pid, answers),
      descriptors(pid),
      threads(pid),
      children(pid, pids),
    ];
    for (const part of parts)
      for (const [what, n] of Object.entries(part)) {
        const key = `${role}: ${what}`;
        counts[key] = (counts[key] ?? 0) + n;
      }
    counts[`${role} processes`] = (counts[`${role} processes`] ?? 0) + 1;
  }
  for (const [what, folder] of Object.entries(folders))
    Object.assign(counts, filesIn(what, folder));
  return counts;
}

/** What there is more of than before, in words; empty if nothing leaked. */
export function difference(before: Counts, after: Counts): string[] {
  return Object.entries(after).flatMap(([what, n]) => {
    const more = n - (before[what] ?? 0);
    return more > slackOf(what) ? [`${what}: ${more} more than ${before[what] ?? 0}`] : [];
  });
}

function slackOf(what: string): number {
  if (what.includes(ROUTES_CACHE_TIMER)) return 1;
  if (POOL_THREADS.test(what)) return Number.POSITIVE_INFINITY;
  return what.endsWith(" objects") ? OBJECT_SLACK : 0;
}

async function answerOf(pid: number, folder: string): Promise<Counts> {
  const path = join(folder, `${pid}.json`);
  rmSync(path, { force: true });
  process.kill(pid, "SIGUSR2");
  const isOver = async () => (await Bun.file(path).exists()) || !existsSync(`/proc/${pid}`);
  await waitFor(`the census of process ${pid}`, isOver, ANSWER_MS);
  return await Bun.file(path).json();
}

function filesIn(what: string, folder: string): Counts {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return tally(files.map((file) => `${what}: ${unnumbered(file)}`));
}
