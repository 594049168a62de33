/**
 * `bun run faults [--family …] [--fault …] [--phase …] [--rest] [--jobs 3]`: runs faults against the real server in each phase of
 * a stream, alone and beside healthy streams. Writes docs/faults-matrix.md, its summary in docs/faults.md and fault-results/;
 * exits with 1 if a bound was broken or could not be judged.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ALL_FAULTS } from "../tests/faults/all-faults.ts";
import { FAMILIES, PHASES } from "../tests/faults/rig/fault.ts";
import { rowsOf, runMatrix } from "../tests/faults/rig/matrix.ts";
import { summaryText } from "../tests/faults/rig/summary.ts";
import { holds, rowKey, rowOf, rowsIn, tableText, verdictOf } from "../tests/faults/rig/table.ts";
import { commandLine, wholeNumber } from "./command-line.ts";
import { docSection, writeDocSection } from "./doc-section.ts";

const PAGE = "faults-matrix.md";
const SUMMARY_PAGE = "faults.md";
const SECTION = "matrix";
const USAGE = `usage: bun run faults [--family ${FAMILIES.join("|")}] [--fault "part of a name"] [--phase ${PHASES.join("|")}] [--rest] [--jobs 3]
  --rest  only rows of docs/faults-matrix.md that do not hold, were not judged, or are missing
  --jobs  how many rows of the table are run at a time`;

const ALL_ROWS = rowsOf(ALL_FAULTS);
const written = rowsIn(await docSection(PAGE, SECTION));
const { rows, jobs } = commandLine("faults", USAGE, asked);
console.log(`${rows.length} of ${ALL_ROWS.length} rows, two cases each, ${jobs} rows at a time`);
let writing = Promise.resolve();
const results = await runMatrix({
  rows,
  jobs,
  print: console.log,
  folder: join(import.meta.dir, "../fault-results"),
  onRow: async ({ fault, phase }, pair) => {
    written.set(rowKey(fault.name, phase), rowOf(fault, phase, pair));
    writing = writing.then(writeRows); // one after the other: jobs end rows at the same time
    await writing;
  },
});
const count = (verdict: string) => results.filter((each) => verdictOf(each) === verdict).length;
const held = count("holds");
console.log(`${held} cases hold, ${count("broken")} do not, ${count("not judged")} are not judged`);
process.exit(held === results.length ? 0 : 1);

/** In the order of the faults; leaves out rows of those that are gone. */
async function writeRows(): Promise<void> {
  const all = ALL_ROWS.map(({ fault, phase }) => written.get(rowKey(fault.name, phase)));
  const known = all.filter((row) => row !== undefined);
  await writeDocSection(PAGE, SECTION, tableText(known));
  await writeDocSection(SUMMARY_PAGE, SECTION, summaryText(known, ALL_ROWS.length));
}

function asked() {
  const option = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      family: option,
      fault: option,
      phase: option,
      rest: { type: "boolean", default: false },
      jobs: { ...option, default: "3" },
    },
  });
  const { family, fault = "", phase } = values;
  if (family !== undefined) oneOf("family", FAMILIES, family);
  if (phase !== undefined) oneOf("phase", PHASES, phase);
  const named = ALL_ROWS.filter(({ fault: one }) => one.name.includes(fault));
  if (named.length === 0) throw new Error(`no fault has "${fault}" in its name`);
  const rows = named.filter(
    (row) =>
      (family === undefined || row.fault.family === family) &&
      (phase === undefined || row.phase === phase) &&
      (!values.rest || !holds(written.get(rowKey(row.fault.name, row.phase)) ?? [])),
  );
  if (rows.length === 0) throw new Error("nothing is left to run of what was asked for");
  return { rows, jobs: wholeNumber("jobs", values.jobs, 1) };
}

function oneOf(name: string, allowed: readonly string[], value: string): void {
  if (!allowed.includes(value))
    throw new Error(`--${name} must be ${allowed.join(" or ")}: ${value}`);
}
