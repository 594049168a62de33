/** What the checks share: steps, runs of tests, and the closing line. Imports only what Bun provides: a clone is not installed. */
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
/** bunfig.toml's `[test] timeout` has no effect in Bun 1.4.5. */
const TEST_TIMEOUT_MS = 30_000;
/** A run that hangs is ended after this time, with its children. */
const RUN_TIMEOUT_MS = 15 * 60_000;

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Installs the packages of the lock file. Exits where there are arguments: the checks take none, and run for minutes. */
export function install(): Promise<Counts> {
  if (Bun.argv.length > 2) {
    console.error(`this check takes no arguments, got ${Bun.argv.slice(2).join(" ")}`);
    process.exit(2);
  }
  return step("install", ["install", "--frozen-lockfile"]);
}

/** Prints the closing line and exits: 1 if something failed or nothing ran. */
export function finish(parts: readonly Counts[]): never {
  const { passed, failed, skipped } = parts.reduce((sum, part) => ({
    passed: sum.passed + part.passed,
    failed: sum.failed + part.failed,
    skipped: sum.skipped + part.skipped,
  }));
  const skippedToo = skipped > 0 ? `, ${skipped} skipped` : "";
  console.log(`${passed} passed, ${failed} failed${skippedToo}`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}

/** Runs this Bun with `args`. Prints one line if the step succeeds, and its whole output if it fails. Only failures count. */
export async function step(name: string, args: readonly string[]): Promise<Counts> {
  const begun = performance.now();
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code !== 0) process.stdout.write(out + err);
  console.log(`${name}: ${code === 0 ? "ok" : "FAILED"} (${seconds(begun)})`);
  return { passed: 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

/** Shows failures and the titles of skipped tests, which give the reason. The totals are the runner's own. */
export async function runTests(name: string, args: readonly string[]): Promise<Counts> {
  const begun = performance.now();
  const timeout = `--timeout=${TEST_TIMEOUT_MS}`;
  const child = Bun.spawn([process.execPath, "test", "--no-orphans", ...args, timeout], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "pipe"],
    timeout: RUN_TIMEOUT_MS,
  });
  const summary: Record<string, number> = {};
  let passes = 0;
  let summing = false;
  for await (const line of lines(child.stderr)) {
    const [, count, outcome] = /^ *(\d+) (pass|fail|skip|todo)$/.exec(line) ?? [];
    if (outcome !== undefined) summary[outcome] = Number(count);
    summing ||= /^\d+ tests? (skipped|todo|failed):$/.test(line); // which lists them again
    if (line.startsWith("(pass)")) passes++;
    if (line !== "" && (summing || !/^\((pass|skip|todo)\)/.test(line))) console.log(line);
  }
  const code = await child.exited;
  // Without a summary the runner died during the run; only what passed until then is known.
  const { pass = passes, fail = 0, skip = 0, todo = 0 } = summary;
  console.log(
    `${name}: ${code === 0 ? "ok" : `FAILED (${child.signalCode ?? code})`} (${seconds(begun)})`,
  );
  return { passed: pass, failed: code === 0 ? fail : Math.max(fail, 1), skipped: skip + todo };
}

async function* lines(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of bytes) {
    const complete = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = complete.pop() ?? "";
    yield* complete;
  }
  if (rest !== "") yield rest;
}

function seconds(begun: number): string {
  return `${((performance.now() - begun) / 1000).toFixed(1)} s`;
}
