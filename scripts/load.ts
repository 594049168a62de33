/**
 * `bun run load [--load "part of a name"] [--starts 10000] [--attempts 3]`: asks too much of a server beside two watched streams, and
 * judges what it promises meanwhile. Prints what was seen and writes it to docs/faults.md; exits with 1 if a promise was broken or
 * could not be judged.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { raiseRequestLimit } from "../src/request-limit.ts";
import { allLoads } from "../tests/load/all-loads.ts";
import { type LoadResult, runLoad } from "../tests/load/load.ts";
import { loadSection, loadText } from "../tests/load/report.ts";
import { commandLine, refuse, wholeNumber } from "./command-line.ts";
import { docSection, writeDocSection } from "./doc-section.ts";

const USAGE = `usage: bun run load [--load "part of a name"] [--starts 10000] [--attempts 3]
  --starts    streams that are started and stopped one after the other
  --attempts  runs of a load that cannot be judged, as the machine is busy with other things`;

const { only, starts, attempts } = commandLine("load", USAGE, asked);
raiseRequestLimit();
const date = new Date().toISOString().slice(0, 10);
await using made = await allLoads({ starts });
const chosen = made.loads.filter(({ name }) => name.includes(only));
if (chosen.length === 0) {
  await made[Symbol.asyncDispose]();
  refuse("load", USAGE, `no load has "${only}" in its name`);
}
const results: LoadResult[] = [];
for (const load of chosen) {
  const result = await runLoad(load, attempts);
  results.push(result);
  console.log(loadText(result));
  await write(result);
}
process.exitCode = results.every(({ verdict }) => verdict === "kept") ? 0 : 1;

/** At once: a run of all takes half an hour. */
async function write(result: LoadResult): Promise<void> {
  const place = { date, cores: availableParallelism() };
  const section = loadSection(await docSection("faults.md", "load"), result, place);
  await writeDocSection("faults.md", "load", section);
}

function asked() {
  const { values } = parseArgs({
    options: {
      load: { type: "string", default: "" },
      starts: { type: "string", default: "10000" },
      attempts: { type: "string", default: "3" },
    },
  });
  return {
    only: values.load,
    starts: wholeNumber("starts", values.starts, 1),
    attempts: wholeNumber("attempts", values.attempts, 1),
  };
}
