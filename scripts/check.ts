/**
 * `bun run check`: installs, checks format, lint and types, runs all tests, and ends with a line of totals. It runs on a
 * fresh clone, so it imports only what Bun provides; every child is this same Bun, whether or not it is on the PATH.
 */
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
/** bunfig.toml's `[test] timeout` has no effect in Bun 1.4.5. */
const TEST_TIMEOUT_MS = 30_000;
/** Tests of what streams notice of each other: another file beside them would be one more neighbour. */
const ALONE = "tests/alone";
/** Many tests wait for media that plays in real time, so files run in parallel. A process keeps its native modules loaded. */
const IN_PARALLEL = ["--parallel=2", "--no-isolate", `--path-ignore-patterns=${ALONE}/**`];
/** A run that hangs is ended after this time, with its children. */
const RUN_TIMEOUT_MS = 15 * 60_000;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const counts = await check();
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);

async function check(): Promise<Counts> {
  if (!(await step("install", ["install", "--frozen-lockfile"])))
    return { passed: 0, failed: 1, skipped: 0 };
  const biome = ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."];
  const clean = await step("format and lint", biome);
  const typed = await step("types", ["node_modules/typescript/bin/tsc", "-p", "."]);
  // A program of its own: only the page may use a browser's globals.
  const page = ["node_modules/typescript/bin/tsc", "-p", "src/playground"];
  const pageTyped = await step("types of the page", page);
  const runs = [await runTests("tests", IN_PARALLEL), await runTests("tests alone", [ALONE])];
  const tests = runs.reduce((sum, { passed, failed, skipped }) => ({
    passed: sum.passed + passed,
    failed: sum.failed + failed,
    skipped: sum.skipped + skipped,
  }));
  const failedSteps = [clean, typed, pageTyped].filter((ok) => !ok).length;
  return { ...tests, failed: tests.failed + failedSteps };
}

/** Prints one line if the step succeeds, and its whole output if it fails. */
async function step(name: string, args: readonly string[]): Promise<boolean> {
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
  return code === 0;
}

/** Shows failures and the titles of skipped tests, which give the reason. The totals are the runner's own. */
async function runTests(name: string, args: readonly string[]): Promise<Counts> {
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
