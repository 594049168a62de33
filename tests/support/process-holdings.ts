/** Counts what a process holds, as /proc shows it: open files, sockets, threads and child processes. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** How many there are of each thing. */
export type Counts = Readonly<Record<string, number>>;

/** States of a socket in /proc/net/tcp that matter; others are on their way out in the kernel. */
const SOCKET_STATES: Readonly<Record<string, string>> = {
  "01": "connected",
  "02": "connecting",
  "08": "half closed",
  "0A": "listening",
};

/** The numbers of its open sockets, whatever their kind, and of its children. */
export function holdings(pid: number): { readonly sockets: number; readonly children: number } {
  const sockets = Object.entries(descriptors(pid)).filter(([kind]) => kind.startsWith("sockets "));
  return { sockets: sum(sockets), children: sum(Object.entries(children(pid))) };
}

const sum = (counts: readonly (readonly [string, number])[]): number =>
  counts.reduce((all, [, n]) => all + n, 0);

/** How often each of them is there. */
export function tally(things: readonly string[]): Counts {
  const counts: Record<string, number> = {};
  for (const thing of things) counts[thing] = (counts[thing] ?? 0) + 1;
  return counts;
}

/** Open files by kind, and sockets by state. */
export function descriptors(pid: number): Counts {
  const sockets = socketStates(pid);
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  return tally(links.flatMap((link) => (link === null ? [] : kindOf(link, sockets))));
}

function kindOf(target: string, sockets: ReadonlyMap<string, string>): string {
  const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
  if (inode !== undefined) return `sockets ${sockets.get(inode) ?? "of other kinds"}`;
  if (target.startsWith("pipe:")) return "pipes";
  if (target.startsWith("anon_inode:")) return target.slice("anon_inode:".length);
  return `open file ${unnumbered(target)}`;
}

/** The TCP sockets of a process's network, by inode. */
function socketStates(pid: number): Map<string, string> {
  const lines = ["tcp", "tcp6"].flatMap((table) =>
    (textOf(`/proc/${pid}/net/${table}`) ?? "").trim().split("\n").slice(1),
  );
  return new Map(
    lines.map((line) => {
      const [, , , state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
      return [inode, SOCKET_STATES[state] ?? "closing"];
    }),
  );
}

/** Threads by name. */
export function threads(pid: number): Counts {
  const names = readdirSync(`/proc/${pid}/task`).flatMap(
    (task) => textOf(`/proc/${pid}/task/${task}/comm`)?.trim() ?? [],
  );
  return tally(names.map((name) => `threads ${name.replace(/\d+$/, "N")}`));
}

/** Child processes by name, without those that are `counted` on their own. */
export function children(pid: number, counted: ReadonlySet<number> = new Set()): Counts {
  const pids = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    (textOf(`/proc/${pid}/task/${task}/children`) ?? "").split(" ").filter(Boolean).map(Number),
  );
  const others = pids.filter((one) => !counted.has(one));
  return tally(others.map((child) => `child ${textOf(`/proc/${child}/comm`)?.trim() ?? "gone"}`));
}

/** The name without what is made up for each file. */
export const unnumbered = (path: string): string =>
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
