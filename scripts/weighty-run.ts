/**
 * `bun run weighty-run [--megabytes 2048] [--floats float32|float16]`: a diffusion pipeline with random weights of this size
 * is loaded and run by the real server beside another stream. Prints the engine's memory; exits with 1 if it took more
 * than the file's size and a fifth, or if the other stream lost more frames than by itself.
 */
import { parseArgs } from "node:util";
import type { ProcessMemory } from "../tests/support/process-memory.ts";
import { runWeighty, type SeenFrames } from "../tests/support/weighty-run.ts";
import { commandLine, numberFrom } from "./command-line.ts";

const USAGE = "usage: bun run weighty-run [--megabytes 2048] [--floats float32|float16]";

const MOST_SHARE = 1.2;
/** Those of the other stream by itself take about as long as the pipeline needs to load and run. */
const FRAMES = { drawn: 50, quiet: 250 };

const { megabytes, floats } = commandLine("weighty-run", USAGE, asked);
const report = await runWeighty({ megabytes, floats }, FRAMES);
const { fileSize, before, running, peak, share, loadMs, quiet, neighbour } = report;
const shown = ({ resident, anonymous, mapped }: ProcessMemory): string =>
  `${mib(resident)} (${mib(anonymous)} of its own, ${mib(mapped)} of mapped files)`;
const rows: readonly (readonly [string, string])[] = [
  ["weights", `${mib(fileSize)} of ${floats}`],
  ["the engine before", shown(before)],
  ["the engine while it runs them", shown(running)],
  ["at most", mib(peak)],
  ["taken at most, as a share of the file", share.toFixed(3)],
  ["from the start to the first picture", `${(loadMs / 1000).toFixed(1)} s`],
  ["pictures drawn, a run", `${report.framesDrawn}, ${report.inferenceMs.toFixed(0)} ms`],
  ["the other stream: frames, missing, most in a row", seen(neighbour)],
  ["the other stream by itself", seen(quiet)],
];
for (const [what, figure] of rows) console.log(`${what.padEnd(50)} ${figure}`);
const hasGap = neighbour.missing > quiet.missing;
process.exitCode = share <= MOST_SHARE && !hasGap ? 0 : 1;

function seen({ frames, missing, worst }: SeenFrames): string {
  return `${frames}, ${missing}, ${worst}`;
}

function mib(mebibytes: number): string {
  return `${mebibytes.toFixed(0)} MiB`;
}

function asked(): { megabytes: number; floats: "float32" | "float16" } {
  const { values } = parseArgs({
    options: {
      megabytes: { type: "string", default: "2048" },
      floats: { type: "string", default: "float32" },
    },
  });
  const { floats } = values;
  if (floats !== "float32" && floats !== "float16") {
    throw new Error(`--floats must be float32 or float16: ${floats}`);
  }
  return { megabytes: numberFrom("megabytes", values.megabytes, 64), floats };
}
