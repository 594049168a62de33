/** What the checks share: steps, runs of tests, and the closing line. Imports only what Bun provides: a clone is not installed. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Options that run this many files at a time, in processes that keep their native modules loaded. */
export const inParallel = (files: number) => [`--parallel=${files}`, "--no-isolate"];

const ROOT = join(import.meta.dir, "..");
const TEST_PROGRAMS = join(ROOT, "dist/test-programs");
/** bunfig.toml's `[test] timeout` has no effect in Bun 1.4.5. */
const TEST_TIMEOUT_MS = 30_000;
/** A run that hangs is ended after this time, with its children. */
const RUN_TIMEOUT_MS = 15 * 60_000;
/** More files than this with failures are a fault of the program, not of the moment. */
const MAX_REPEATED = 4;
/** Number of slowest files to print. */
const NAMED_SLOWEST = 5;

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Installs the packages of the lock file. Exits where that fails, or where there are arguments: the checks take none. */
export async function install(): Promise<void> {
  if (Bun.argv.length > 2) {
    console.error(`this check takes no arguments, got ${Bun.argv.slice(2).join(" ")}`);
    process.exit(2);
  }
  await required("install", ["install", "--frozen-lockfile"]);
}

/** Bundles the programs that tests start; without this, they start them from source. Exits where that fails. */
export async function bundlePrograms(): Promise<void> {
  await required("bundles for tests", ["scripts/build/test-programs.ts", TEST_PROGRAMS]);
  process.env["TEST_PROGRAMS"] = TEST_PROGRAMS;
}

async function required(name: string, args: readonly string[]): Promise<void> {
  const done = await step(name, args);
  if (done.failed > 0) finish([done]);
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

/**
 * Runs tests, and a file with failures once more by itself: one that shares two cores with others can miss a deadline. What
 * fails again has failed; what passes alone is named, since it waits for too little or has found a race.
 */
export async function runTests(name: string, args: readonly string[]): Promise<Counts> {
  const begun = performance.now();
  const first = await runOnce(args);
  const { failedFiles, slowest } = first;
  if (slowest.length > 0) console.log(`${name}: most time in ${slowest.join(", ")}`);
  if (first.failed === 0 || failedFiles.length === 0 || failedFiles.length > MAX_REPEATED) {
    console.log(`${name}: ${first.failed === 0 ? "ok" : "FAILED"} (${seconds(begun)})`);
    return first;
  }
  let failed = 0;
  for (const file of failedFiles) {
    const again = await runOnce([file]);
    failed += again.failed;
    if (again.failed === 0) console.log(`FAILED BESIDE OTHERS, passed alone: ${file}`);
  }
  console.log(`${name}: ${failed === 0 ? "ok" : "FAILED"} (${seconds(begun)})`);
  return { ...first, passed: first.passed + first.failed - failed, failed };
}

interface TestRun extends Counts {
  /** Files with a test that failed. Empty if something else failed, such as an import. */
  readonly failedFiles: readonly string[];
  /** Files and their seconds, the slowest first. */
  readonly slowest: readonly string[];
}

/** Shows failures and the titles of skipped tests, which give the reason. The totals are the runner's own. */
async function runOnce(args: readonly string[]): Promise<TestRun> {
  const folder = await mkdtemp(join(tmpdir(), "check-"));
  const report = join(folder, "junit.xml");
  const options = [
    `--timeout=${TEST_TIMEOUT_MS}`,
    "--reporter=junit",
    `--reporter-outfile=${report}`,
  ];
  const child = Bun.spawn([process.execPath, "test", "--no-orphans", ...args, ...options], {
    cwd: ROOT,
    env: process.env, // with TEST_PROGRAMS
    stdio: ["ignore", "inherit", "pipe"],
    timeout: RUN_TIMEOUT_MS,
  });
  const summary: Record<string, number> = {};
  let passes = 0;
  let summing = false;
  for await (const line of lines(child.stderr)) {
    const [, count, outcome] = /^ *(\d+) (pass|fail|skip|todo|error)s?$/.exec(line) ?? [];
    if (outcome !== undefined) summary[outcome] = Number(count);
    summing ||= /^\d+ tests? (skipped|todo|failed):$/.test(line); // which lists them again
    if (line.startsWith("(pass)")) passes++;
    if (line !== "" && (summing || !/^\((pass|skip|todo)\)/.test(line))) console.log(line);
  }
  const code = await child.exited;
  if (code !== 0) console.log(`the runner ended with ${child.signalCode ?? `exit code ${code}`}`);
  const junit = existsSync(report) ? readFileSync(report, "utf8") : "";
  const failures = failuresIn(junit);
  const slowest = [...secondsIn(junit)].sort(([, a], [, b]) => b - a).slice(0, NAMED_SLOWEST);
  await rm(folder, { recursive: true });
  // Without a summary the runner died during the run; only what passed until then is known.
  const { pass = passes, fail = 0, skip = 0, todo = 0, error = 0 } = summary;
  const failed = code === 0 ? fail : Math.max(fail, 1);
  const isAllKnown = error === 0 && failures.length === failed;
  const failedFiles = isAllKnown ? [...new Set(failures)] : [];
  return {
    passed: pass,
    failed,
    skipped: skip + todo,
    failedFiles,
    slowest: slowest.map(([file, time]) => `${file} (${time.toFixed(1)} s)`),
  };
}

/** The file of each failed test in a JUnit report. */
export const failuresIn = (report: string): string[] =>
  casesIn(report)
    .filter(({ text }) => text.includes("<failure") || text.includes("<error"))
    .map(({ file }) => file);

/** The seconds that the tests of each file took, by a JUnit report: without imports and what runs before all tests. */
export function secondsIn(report: string): Map<string, number> {
  const byFile = new Map<string, number>();
  for (const { file, text } of casesIn(report)) {
    const time = Number(/ time="([\d.]+)"/.exec(text)?.[1] ?? 0);
    byFile.set(file, (byFile.get(file) ?? 0) + time);
  }
  return byFile;
}

function casesIn(report: string): { readonly file: string; readonly text: string }[] {
  const cases = report.split("<testcase ").slice(1);
  return cases.flatMap((text) => {
    const file = / file="([^"]+)"/.exec(text)?.[1];
    return file === undefined ? [] : [{ file, text }];
  });
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
