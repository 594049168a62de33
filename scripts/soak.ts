/**
 * `bun run soak [--minutes 60] [--every 20] [--seed N]`: four streams of one worker for a long time, under random faults and
 * changes. Writes fault-results/soak.json, the worker's log beside it and a section of docs/faults.md; exits with 1 if anything
 * happened that should not.
 */
import { appendFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { quietLibav } from "../src/engine/codec/libav.ts";
import { ALL_FAULTS } from "../tests/faults/all-faults.ts";
import type { SoakRecord } from "../tests/soak/record.ts";
import { reportOf } from "../tests/soak/report.ts";
import { soak } from "../tests/soak/soak.ts";
import { faultsOf } from "../tests/soak/verdict.ts";
import { commit, machine, versions } from "./bench/machine.ts";
import { commandLine, numberFrom, wholeNumber } from "./command-line.ts";
import { writeDocSection } from "./doc-section.ts";

const USAGE = "usage: bun run soak [--minutes 60] [--every 20] [--seed N]";
const RESULTS = join(import.meta.dir, "../fault-results");
const LOG = join(RESULTS, "soak.log");
/** The runtime that everything runs on, and what touches media. */
const SHOWN_VERSIONS = ["bun", "node-av", "onnxruntime-node"];

const { minutes, every, seed } = commandLine("soak", USAGE, asked);
quietLibav(); // incomplete segments are read, too
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => stop.abort(new Error(`it was stopped by ${signal}`)));
// A peer that fails ends the run, with a record of what was seen until then.
process.on("unhandledRejection", (reason) => stop.abort(reason));
console.log(`seed ${seed}, ${minutes} minutes, a fault every ${every} s`);
const running = commit();
await mkdir(RESULTS, { recursive: true });
await rm(LOG, { force: true });
const seen = await soak({
  seed,
  lengthMs: minutes * 60_000,
  everyMs: every * 1000,
  faults: ALL_FAULTS,
  stop: stop.signal,
  onStep: (step: string) => console.log(step),
  onLog: (text: string) => appendFileSync(LOG, `${text}\n`),
});
const record: SoakRecord = { ...seen, machine: shownMachine() };
const faults = faultsOf(record);
await Bun.write(join(RESULTS, "soak.json"), `${JSON.stringify({ faults, ...record }, null, 2)}\n`);
const report = reportOf(record);
await writeDocSection("faults.md", "soak", report);
console.log(`\n${report}`);
process.exitCode = faults.length === 0 ? 0 : 1;

function shownMachine(): Record<string, string> {
  const { cpu, cores, memory_mb, os } = machine();
  const all = versions();
  return {
    cpu: `${cpu}, ${cores} cores`,
    memory: `${Math.round(memory_mb / 1024)} GiB`,
    os,
    commit: running,
    ...Object.fromEntries(SHOWN_VERSIONS.map((name) => [name, all[name] ?? "unknown"])),
  };
}

function asked() {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "60" },
      every: { type: "string", default: "20" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    },
  });
  return {
    minutes: numberFrom("minutes", values.minutes, 0.5),
    every: numberFrom("every", values.every, 5),
    seed: wholeNumber("seed", values.seed, 0),
  };
}
