/** Counts all that a worker holds, so that a leak is found and named. */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../../support/wait-for.ts";
import type { Worker } from "./worker.ts";

/** How many there are of each thing. */
export type Census = Readonly<Record<string, number>>;

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
/** States of a socket in /proc/net/tcp that matter; others are on their way out in the kernel. */
const SOCKET_STATES: Readonly<Record<string, string>> = {
  "01": "connected",
  "02": "connecting",
  "08": "half closed",
  "0A": "listening",
};

/** Everything that the server, its engines and their folders hold. Waits until every engine is ready. */
export async function census(worker: Worker): Promise<Census> {
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
): Promise<Census> {
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
export function difference(before: Census, after: Census): string[] {
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

async function answerOf(pid: number, folder: string): Promise<Census> {
  const path = join(folder, `${pid}.json`);
  rmSync(path, { force: true });
  process.kill(pid, "SIGUSR2");
  const isOver = async () => (await Bun.file(path).exists()) || !existsSync(`/proc/${pid}`);
  await waitFor(`the census of process ${pid}`, isOver, ANSWER_MS);
  return await Bun.file(path).json();
}

/** Open files by kind, and sockets by state. */
function descriptors(pid: number): Census {
  const sockets = socketStates(pid);
  const counts: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(linkOf(`/proc/${pid}/fd/${fd}`), sockets);
    if (kind !== null) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function kindOf(target: string | null, sockets: ReadonlyMap<string, string>): string | null {
  if (target === null) return null;
  const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
  if (inode !== undefined) return `sockets ${sockets.get(inode) ?? "of other kinds"}`;
  if (target.startsWith("pipe:")) return "pipes";
  if (target.startsWith("anon_inode:")) return target.slice("anon_inode:".length);
  return `open file ${unnumbered(target)}`;
}

/** The TCP sockets of a process's network, by inode. */
function socketStates(pid: number): Map<string, string> {
  const lines = ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8").trim().split("\n").slice(1),
  );
  return new Map(
    lines.map((line) => {
      const [, , , state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
      return [inode, SOCKET_STATES[state] ?? "closing"];
    }),
  );
}

/** Threads by name. */
function threads(pid: number): Census {
  const counts: Record<string, number> = {};
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const name = textOf(`/proc/${pid}/task/${task}/comm`)?.trim();
    if (name === undefined) continue;
    const key = `threads ${name.replace(/\d+$/, "N")}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** Child processes that are not counted on their own. */
function children(pid: number, counted: ReadonlySet<number>): Census {
  const pids = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    (textOf(`/proc/${pid}/task/${task}/children`) ?? "").split(" ").filter(Boolean).map(Number),
  );
  const counts: Record<string, number> = {};
  for (const child of pids.filter((one) => !counted.has(one))) {
    const key = `child ${textOf(`/proc/${child}/comm`)?.trim() ?? "gone"}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function filesIn(what: string, folder: string): Census {
  const counts: Record<string, number> = {};
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }))
    counts[`${what}: ${unnumbered(file)}`] = (counts[`${what}: ${unnumbered(file)}`] ?? 0) + 1;
  return counts;
}

/** The name without what is made up for each file. */
const unnumbered = (path: string): string =>
  path.replace(/[\da-f]{8}-[\da-f-]{27}/g, "*").replace(/\d{3,}/g, "*");

/** Null for what is gone meanwhile. */
function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Null for what is gone meanwhile. */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
