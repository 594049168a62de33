/**
 * `bun run faults [--family …] [--fault …] [--phase …] [--jobs N]`: runs faults against the real server in each phase of a stream, alone
 * and beside healthy streams. Writes docs/faults.md and fault-results/; exits with 1 if a bound was broken.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ALL_FAULTS } from "../tests/faults/all-faults.ts";
import { FAMILIES, PHASES, type Phase } from "../tests/faults/rig/fault.ts";
import { phasesOf, runMatrix } from "../tests/faults/rig/matrix.ts";
import { rowKey, rowOf, rowsIn, sectionText } from "../tests/faults/rig/table.ts";
import { docSection, writeDocSection } from "./doc-section.ts";

const PAGE = "faults.md";
const SECTION = "matrix";
const USAGE = `usage: bun run faults [--family ${FAMILIES.join("|")}] [--fault "part of a name"] [--phase ${PHASES.join("|")}] [--jobs 1]`;

const { faults, phases, jobs } = asked();
const rows = rowsIn(await docSection(PAGE, SECTION));
const results = await runMatrix({
  faults,
  phases,
  jobs,
  folder: join(import.meta.dir, "../fault-results"),
  print: console.log,
  onRow: async (fault, phase, pair) => {
    rows.set(rowKey(fault.name, phase), rowOf(fault, phase, pair));
    await writeRows();
  },
});
const failed = results.filter(({ broken }) => broken.length > 0).length;
console.log(`${results.length - failed} cases hold, ${failed} do not`);
process.exit(failed === 0 ? 0 : 1);

/** In the order of the faults; leaves out rows of those that are gone. */
async function writeRows(): Promise<void> {
  const all = ALL_FAULTS.flatMap((fault) =>
    phasesOf(fault).map((phase) => rows.get(rowKey(fault.name, phase))),
  ).filter((row) => row !== undefined);
  await writeDocSection(PAGE, SECTION, sectionText(all));
}

function asked() {
  try {
    const option = { type: "string" } as const;
    const { values } = parseArgs({
      options: { family: option, fault: option, phase: option, jobs: option },
    });
    const { family, fault = "", jobs = "1" } = values;
    if (!/^[1-9]\d?$/.test(jobs)) throw new Error(`--jobs must be from 1 to 99: ${jobs}`);
    if (family !== undefined && !FAMILIES.some((one) => one === family))
      throw new Error(`--family must be ${FAMILIES.join(" or ")}: ${family}`);
    const faults = ALL_FAULTS.filter(
      (one) => (family === undefined || one.family === family) && one.name.includes(fault),
    );
    if (faults.length === 0) throw new Error(`no fault has "${fault}" in its name`);
    return { faults, phases: phasesAsked(values.phase), jobs: Number(jobs) };
  } catch (error) {
    console.error(`faults: ${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(2);
  }
}

function phasesAsked(phase: string | undefined): readonly Phase[] {
  if (phase === undefined) return PHASES;
  const found = PHASES.find((one) => one === phase);
  if (found === undefined) throw new Error(`--phase must be ${PHASES.join(" or ")}: ${phase}`);
  return [found];
}
