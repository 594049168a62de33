/**
 * `bun run load [--load text] [--starts 10000] [--attempts 3]`: what the server promises while much is asked of it, beside two watched
 * streams. Prints what was seen and writes it to docs/faults.md; exits with 1 if a promise was broken.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { raiseRequestLimit } from "../src/request-limit.ts";
import { allLoads } from "../tests/load/all-loads.ts";
import { isSound, type LoadResult, runLoad } from "../tests/load/load.ts";
import { loadSection, loadText } from "../tests/load/report.ts";
import { sectionOf, writeDocSection } from "./doc-section.ts";

const USAGE = "usage: bun run load [--load text] [--starts 10000] [--attempts 3]";

const { only, starts, attempts } = asked();
raiseRequestLimit();
const date = new Date().toISOString().slice(0, 10);
await using made = await allLoads({ starts });
const chosen = made.loads.filter(({ name }) => name.includes(only));
if (chosen.length === 0) fail(`no load has "${only}" in its name`);
const results: LoadResult[] = [];
for (const load of chosen) {
  const result = await runLoad(load, attempts);
  results.push(result);
  console.log(loadText(result));
  await write(result);
}
process.exitCode = results.every(isSound) ? 0 : 1;

/** At once: a run of all takes half an hour. */
async function write(result: LoadResult): Promise<void> {
  const page = await Bun.file(join(import.meta.dir, "../docs/faults.md")).text();
  const place = { date, cores: availableParallelism() };
  await writeDocSection("faults.md", "load", loadSection(sectionOf(page, "load"), result, place));
}

function asked() {
  try {
    const { values } = parseArgs({
      options: {
        load: { type: "string", default: "" },
        starts: { type: "string", default: "10000" },
        attempts: { type: "string", default: "3" },
      },
    });
    return {
      only: values.load,
      starts: count("starts", values.starts),
      attempts: count("attempts", values.attempts),
    };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number above 0: ${text}`);
}

function fail(message: string): never {
  console.error(`load: ${message}\n${USAGE}`);
  process.exit(2);
}
