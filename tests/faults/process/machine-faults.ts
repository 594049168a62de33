/** Faults of the machine: it runs out of files, threads or memory, or its clock is set. */
import { existsSync } from "node:fs";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Fault } from "../rig/fault.ts";
import { enginePid, RESUMES_MS } from "./engine-faults.ts";
import { order, withdraw } from "./orders.ts";

const HOUR_MS = 3_600_000;
const LASTS_MS = 3000;

const BASE = { family: "process", lastsMs: LASTS_MS, end: "none" } as const;
const UNNOTICED = { ...BASE, resumeWithinMs: 500, neighboursMayPause: false } as const;

/** Nothing that is timed follows the wall clock. */
const clock = (name: string, ms: number): Fault => ({
  ...UNNOTICED,
  name: `clock: ${name}`,
  inject: async ({ worker }) => {
    await order(worker, "clock", String(ms));
    return () => withdraw(worker, "clock");
  },
});

export const MACHINE_FAULTS: readonly Fault[] = [
  clock("an hour forward, and back", HOUR_MS),
  clock("an hour back, and forward", -HOUR_MS),
  {
    ...BASE,
    name: "clock: set while the engine is replaced",
    resumeWithinMs: RESUMES_MS,
    neighboursMayPause: true,
    inject: async (site) => {
      process.kill(await enginePid(site), "SIGKILL");
      await order(site.worker, "clock", String(HOUR_MS));
      return () => withdraw(site.worker, "clock");
    },
  },
  {
    ...BASE,
    name: "engine: out of file descriptors",
    resumeWithinMs: RESUMES_MS,
    neighboursMayPause: true,
    inject: async (site) => outOfFiles(await enginePid(site)),
  },
  {
    ...BASE,
    name: "server: out of file descriptors",
    resumeWithinMs: RESUMES_MS,
    neighboursMayPause: true,
    phases: ["running"],
    inject: async ({ worker }) => outOfFiles(worker.pid),
  },
  {
    ...BASE,
    name: "engine: out of threads",
    resumeWithinMs: RESUMES_MS,
    neighboursMayPause: true,
    inject: async (site) =>
      await inControlGroup("pids", await enginePid(site), async (group) => {
        const now = Number(await Bun.file(join(group, "pids.current")).text());
        await writeFile(join(group, "pids.max"), String(now));
      }),
  },
  {
    ...BASE,
    name: "engine: out of memory",
    resumeWithinMs: RESUMES_MS,
    neighboursMayPause: true,
    inject: async (site) =>
      await inControlGroup("memory", await enginePid(site), async (group) => {
        await writeFile(join(group, "memory.limit_in_bytes"), String(16 * 2 ** 20));
      }),
  },
];

/** Lowers a process's limit of open files to those that it has. */
async function outOfFiles(pid: number): Promise<() => Promise<void>> {
  const before = /^Max open files +(\d+)/m.exec(await Bun.file(`/proc/${pid}/limits`).text())?.[1];
  if (before === undefined) throw new Error(`process ${pid} has no limit of open files`);
  const open = (await readdir(`/proc/${pid}/fd`)).map(Number);
  limitFiles(pid, `${Math.max(...open) + 1}:`);
  return async () => limitFiles(pid, `${before}:`);
}

/** Throws if the limit cannot be set, unless the process is gone. */
function limitFiles(pid: number, limit: string): void {
  const { exitCode, stderr } = Bun.spawnSync(["prlimit", "--pid", `${pid}`, `--nofile=${limit}`]);
  if (exitCode !== 0 && existsSync(`/proc/${pid}`)) throw new Error(`prlimit: ${stderr}`);
}

/** Puts a process into a control group of its own, with a limit. Needs root, and version 1 of control groups. */
async function inControlGroup(
  controller: "memory" | "pids",
  pid: number,
  limit: (group: string) => Promise<void>,
): Promise<() => Promise<void>> {
  const root = join("/sys/fs/cgroup", controller);
  const group = join(root, `fault-${pid}`);
  await mkdir(group);
  await writeFile(join(group, "cgroup.procs"), String(pid));
  await limit(group);
  return async () => {
    for (const one of (await Bun.file(join(group, "cgroup.procs")).text()).split("\n"))
      if (one !== "") await writeFile(join(root, "cgroup.procs"), one).catch(() => {}); // it is gone
    await rmdir(group);
  };
}
