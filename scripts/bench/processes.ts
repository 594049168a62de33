/** Starts child processes, measures them from outside, and ends them by id. */
import { readFileSync } from "node:fs";
import { engineEnvironment } from "../../src/config.ts";

/** Clock ticks a second in /proc/<pid>/stat; fixed on Linux. */
const STAT_HZ = 100;

/** CPU seconds used by all threads of a process so far. Throws without such a process, or without /proc. */
export function cpuSeconds(pid: number): number {
  const [user = 0, system = 0] = cpuTicks(pid);
  return (user + system) / STAT_HZ;
}

/** As `cpuSeconds`, with those of its children that have ended. */
export function cpuSecondsWithEnded(pid: number): number {
  return cpuTicks(pid).reduce((sum, ticks) => sum + ticks, 0) / STAT_HZ;
}

/** Of the process in user and system mode, and of its ended children in both (proc(5), fields 14 to 17). */
function cpuTicks(pid: number): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).map(Number);
}

/** Current and peak resident memory in MB. */
export function memoryMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return { now: kilobytes("VmRSS") / 1024, peak: kilobytes("VmHWM") / 1024 };
}

/** A child that runs until disposed, which sends SIGTERM and, after 10 s, SIGKILL. */
export interface ServingChild extends AsyncDisposable {
  readonly pid: number;
  /** From the first line that `readUrl` accepts. */
  readonly url: string;
}

const START_MS = 60_000;

/** Starts a program and waits up to a minute for a line on stdout or stderr that gives its URL. `env`: in place of this process's own. */
export async function startServing(
  command: readonly string[],
  readUrl: (line: string) => string | undefined = (line) => /^http\S+/.exec(line)?.[0],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ServingChild> {
  const child = Bun.spawn([...command], { stdio: ["ignore", "pipe", "pipe"], env: { ...env } });
  const name = command.join(" ");
  const found = Promise.withResolvers<string>();
  let lastLine = "";
  const fail = (what: string) => found.reject(new Error(`${name} ${what}: ${lastLine}`));
  const late = setTimeout(() => fail(`printed no URL in ${START_MS / 1000} s`), START_MS);
  const watch = (line: string): void => {
    lastLine = line;
    const url = readUrl(line);
    if (url !== undefined) found.resolve(url);
  };
  const reading = Promise.all([eachLine(child.stdout, watch), eachLine(child.stderr, watch)]);
  void child.exited.then(async (code) => {
    await reading;
    fail(`exited with ${code}`);
  });
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await child.exited;
    clearTimeout(kill);
  };
  try {
    const url = await found.promise;
    return { pid: child.pid, url, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** Runs a Bun script for at most `limitMs`; returns the JSON that it printed and its peak memory in MB. */
export async function runScript<T>(
  script: string,
  args: readonly string[],
  limitMs = 120_000,
): Promise<{ readonly output: T; readonly peakMb: number }> {
  const child = Bun.spawn([process.execPath, script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: engineEnvironment(), // ours and the reference alike
    timeout: limitMs,
  });
  const text = await new Response(child.stdout).text();
  const code = await child.exited;
  if (code !== 0) throw new Error(`${script} ${args.join(" ")} exited with ${code}`);
  const peakMb = (child.resourceUsage()?.maxRSS ?? Number.NaN) / 2 ** 20;
  return { output: JSON.parse(text) as T, peakMb };
}

async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
}
