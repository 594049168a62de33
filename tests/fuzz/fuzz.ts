/**
 * Runs generated inputs against one part that takes input from outside, and shrinks each input that breaks a promise of
 * that part to the smallest that still does.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { residentOf } from "../support/process-memory.ts";

/** A part that is fuzzed. `defineTarget` makes one. */
export interface FuzzTarget {
  /** Lower case with hyphens: the name on the command line and of the files with findings. */
  readonly name: string;
  /** What its inputs are, in a few words. */
  readonly inputs: string;
  /** What runs have found so far. */
  readonly found: readonly Found[];
  run(options: RunOptions): Promise<FuzzRun>;
}

/** A finding that was mended, and the test that fails if it comes back. */
export interface Found {
  readonly what: string;
  /** A file below `tests/` and the name of a test in it. */
  readonly test: readonly [file: string, name: string];
}

export interface RunOptions {
  readonly cases: number;
  /** The same seed makes the same inputs. */
  readonly seed: number;
}

export interface FuzzRun {
  readonly target: string;
  readonly seed: number;
  readonly cases: number;
  readonly seconds: number;
  /** Resident memory of the process with the subject, after a tenth of the cases and at the end. */
  readonly memory: Memory;
  /** One a message. */
  readonly findings: readonly Finding[];
}

/** In MiB. */
export interface Memory {
  readonly before: number;
  readonly after: number;
}

export interface Finding {
  /** The broken promise. */
  readonly message: string;
  /** The smallest input that breaks it, as JavaScript. */
  readonly input: string;
  /** Leads to the input again: seed and path of fast-check. */
  readonly seed: number;
  readonly path: string;
}

/** What the cases of one run share. */
export interface FuzzSubject<Input> {
  readonly inputs: fc.Arbitrary<Input>;
  /** Throws if the subject breaks a promise. */
  check(input: Input): void | Promise<void>;
  /** Throws if something is left of the cases. Called once, after the last one. */
  settle?(): Promise<void>;
  /** Process whose memory must not grow. Default: this one. */
  readonly pid?: number;
  close?(): PromiseLike<void>;
}

export interface TargetOptions<Input> extends Pick<FuzzTarget, "name" | "found"> {
  readonly inputs: string;
  /** Cases at a time. Default: 1. */
  readonly lanes?: number;
  /** A case that takes longer is a finding. Default: 5 s. */
  readonly limitMs?: number;
  open(): FuzzSubject<Input> | Promise<FuzzSubject<Input>>;
}

const LIMIT_MS = 5000;
const BATCH = 1000;
/**
 * Memory that a run may add after its first tenth: heaps and allocators breathe by tens of MiB. In a run of 100,000 cases it is
 * exceeded by what leaks 750 bytes a case.
 */
const MAX_GROWTH_MIB = 64;
/** Fewer cases say nothing about growth: caches are still being filled. */
const MIN_CASES_OF_GROWTH = 10_000;
/** Time for another process to collect its garbage, and for the allocator of this one, whose garbage is collected at once. */
const COLLECTED_MS = { other: 15_000, own: 1000 };
/** A run that finds this much has a lot to tell already. */
const MAX_FINDINGS = 20;

/**
 * @example
 * export const jsonTexts = defineTarget({
 *   name: "json-texts",
 *   inputs: "JSON texts with flipped, cut and repeated bytes",
 *   found: [],
 *   open: () => ({
 *     inputs: mutatedBytes([Buffer.from('{"a":[1,2,3]}')]),
 *     check: (bytes) => expect(() => parse(bytes)).not.toThrow(RangeError),
 *   }),
 * });
 * const { findings } = await jsonTexts.run({ cases: 300, seed: 1 });
 */
export function defineTarget<Input>(options: TargetOptions<Input>): FuzzTarget {
  const { name, inputs, found } = options;
  return { name, inputs, found, run: (how) => run(options, how) };
}

async function run<Input>(
  { name, lanes = 1, limitMs = LIMIT_MS, open }: TargetOptions<Input>,
  { cases, seed }: RunOptions,
): Promise<FuzzRun> {
  const subject = await open();
  const { pid = process.pid } = subject;
  const property = fc.asyncProperty(subject.inputs, (input) => timed(subject, input, limitMs));
  const findings = new Map<string, Finding>();
  const startedAt = performance.now();
  let [begun, done, batches] = [0, 0, 0];
  let before: number | null = null;

  const lane = async () => {
    while (begun < cases && findings.size < MAX_FINDINGS) {
      const numRuns = Math.min(BATCH, Math.ceil(cases / lanes), cases - begun);
      begun += numRuns;
      const details = await fc.check(property, {
        numRuns,
        seed: seed + batches++,
        timeout: limitMs,
      });
      done += details.numRuns;
      // The rest of a batch that found something is made up for by another one.
      begun -= numRuns - details.numRuns;
      const finding = findingOf(details);
      if (finding !== null && !findings.has(finding.message))
        findings.set(finding.message, finding);
      if (done >= cases / 10) before ??= memoryOf(pid);
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
    const seconds = (performance.now() - startedAt) / 1000;
    await subject.settle?.().catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      findings.set(message, { message, input: "all cases of this run", seed, path: "" });
    });
    const memory = await settledMemory(pid, before);
    const growth = growthIn(memory, done);
    if (growth !== null)
      findings.set(growth, { message: growth, input: "all cases of this run", seed, path: "" });
    return { target: name, seed, cases: done, seconds, memory, findings: [...findings.values()] };
  } finally {
    await subject.close?.();
  }
}

/** A check that never settles is ended by fast-check; one that blocks this thread shows here. */
async function timed<Input>(subject: FuzzSubject<Input>, input: Input, limitMs: number) {
  const startedAt = performance.now();
  await subject.check(input);
  const took = performance.now() - startedAt;
  if (took > limitMs) throw new Error(`took longer than ${limitMs} ms`);
}

function findingOf<Input>(details: fc.RunDetails<[Input]>): Finding | null {
  if (!details.failed || details.counterexample === null) return null;
  const { errorInstance, counterexample, seed, counterexamplePath } = details;
  const message = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const path = counterexamplePath ?? "";
  return { message, input: shown(counterexample[0]), seed, path };
}

/** Bytes as text, which is easier to read and to copy into a test. */
const shown = (input: unknown): string =>
  fc
    .stringify(input)
    .replaceAll(/(?:Uint8Array|Buffer)\.from\(\[([\d,]*)\]\)/g, (_, bytes: string) => {
      const text = Buffer.from(bytes.split(",").filter(Boolean).map(Number)).toString("latin1");
      return `Buffer.from(${JSON.stringify(text)}, "latin1")`;
    });

/** NaN for a process that is gone: it died of a case, which is a finding already. */
function memoryOf(pid: number): number {
  if (pid === process.pid) Bun.gc(true);
  return existsSync(`/proc/${pid}`) ? Math.round(residentOf(pid)) : Number.NaN;
}

/** Memory at the end, as soon as it is within what may be added, or after the time that a collector may take. */
async function settledMemory(pid: number, before: number | null): Promise<Memory> {
  const deadline = performance.now() + COLLECTED_MS[pid === process.pid ? "own" : "other"];
  let after = memoryOf(pid);
  while (before !== null && after > before + MAX_GROWTH_MIB && performance.now() < deadline) {
    await Bun.sleep(250); // between two looks
    after = memoryOf(pid);
  }
  return { before: before ?? after, after };
}

/** In words if memory has grown with the number of cases; null if not, or if there were too few. */
export function growthIn({ before, after }: Memory, cases: number): string | null {
  if (cases < MIN_CASES_OF_GROWTH || !(after > before + MAX_GROWTH_MIB)) return null;
  return `memory grew from ${before} to ${after} MiB, allowed: ${MAX_GROWTH_MIB} MiB more`;
}

/** Writes each finding of a run to a file of its own in `folder`, in place of those of the run before; returns the files. */
export function writeFindings({ target, findings }: FuzzRun, folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  for (const old of new Bun.Glob(`${target}-*.json`).scanSync({ cwd: folder, absolute: true }))
    rmSync(old);
  return findings.map((finding, n) => {
    const file = join(folder, `${target}-${n + 1}.json`);
    writeFileSync(file, `${JSON.stringify(finding, null, 2)}\n`);
    return file;
  });
}
