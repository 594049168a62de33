/**
 * `bun run fuzz [target…] [--cases 100000] [--seed N]`: runs generated inputs against every part that takes input from
 * outside. Prints a line a target and writes each finding to fault-results/fuzz; exits with 1 if there are any. A run of at
 * least 100,000 cases without findings is written into docs/faults.md.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ALL_TARGETS } from "../tests/fuzz/all-targets.ts";
import { type FuzzRun, type FuzzTarget, writeFindings } from "../tests/fuzz/fuzz.ts";
import { fuzzReport } from "../tests/fuzz/report.ts";
import { commandLine, wholeNumber } from "./command-line.ts";
import { docSection, writeDocSection } from "./doc-section.ts";

const RESULTS = join(import.meta.dir, "../fault-results/fuzz");
const NAMES = ALL_TARGETS.map(({ name }) => name).join(", ");
const USAGE = `usage: bun run fuzz [target…] [--cases 100000] [--seed N]\n  targets: ${NAMES}`;

const PAGE = "faults.md";
const SECTION = "fuzz";
const LONG_RUN = 100_000;

const { targets, cases, seed } = commandLine("fuzz", USAGE, asked);
let isSound = true;
for (const target of targets) {
  const run = await target.run({ cases, seed });
  isSound &&= run.findings.length === 0;
  console.log(lineOf(run));
  for (const file of writeFindings(run, RESULTS)) console.log(`  ${file}`);
  if (run.cases >= LONG_RUN && run.findings.length === 0) await report(run);
}
process.exit(isSound ? 0 : 1);

async function report(run: FuzzRun): Promise<void> {
  const previous = await docSection(PAGE, SECTION);
  await writeDocSection(PAGE, SECTION, fuzzReport([run], ALL_TARGETS, previous));
}

function lineOf({ target, seed, cases, seconds, memory, findings }: FuzzRun): string {
  const rate = Math.round(cases / seconds);
  const growth = `memory ${memory.before} to ${memory.after} MiB`;
  return `${target}: ${cases} cases (seed ${seed}), ${rate} a second, ${growth}, ${findings.length} findings`;
}

function asked(): { targets: readonly FuzzTarget[]; cases: number; seed: number } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      cases: { type: "string", default: `${LONG_RUN}` },
      seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 31)}` },
    },
  });
  const unknown = positionals.find((name) => !ALL_TARGETS.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`unknown target: ${unknown}`);
  return {
    targets: ALL_TARGETS.filter(
      ({ name }) => positionals.length === 0 || positionals.includes(name),
    ),
    cases: wholeNumber("cases", values.cases, 1),
    seed: wholeNumber("seed", values.seed, 0),
  };
}
