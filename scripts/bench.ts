/** Runs benchmarks and writes docs/performance.md: `bun run bench [name…] [--quick] [--minutes N] [--out folder]`. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Benchmark } from "./bench/benchmark.ts";
import { watchLoad } from "./bench/load.ts";
import { PAGE, writePage } from "./bench/page.ts";
import { describe, report, writeReport } from "./bench/report.ts";
import { commandLine, numberFrom } from "./command-line.ts";

/** Loaded when asked for: each brings its own native modules along. */
export const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  pipeline: async () => (await import("./bench/pipeline.ts")).pipeline,
  latency: async () => (await import("./bench/latency.ts")).latency,
  glass: async () => (await import("./bench/glass.ts")).glass,
  inference: async () => (await import("./bench/inference.ts")).inference,
  batch: async () => (await import("./bench/batch.ts")).batch,
  diffusion: async () => (await import("./bench/diffusion.ts")).diffusion,
  http: async () => (await import("./bench/http.ts")).http,
  join: async () => (await import("./bench/join.ts")).join,
  start: async () => (await import("./bench/start.ts")).start,
  budget: async () => (await import("./bench/budget.ts")).budget,
  streams: async () => (await import("./bench/streams.ts")).streams,
  trickle: async () => (await import("./bench/trickle.ts")).trickle,
  memory: async () => (await import("./bench/memory.ts")).memory,
};

const RESULTS = join(import.meta.dir, "../bench-results");

const USAGE = `usage: bun run bench [${Object.keys(BENCHMARKS).join("|")} …]
  --quick        a short run to see that it works; docs/${PAGE} stays as it is
  --minutes N    how long memory watches (10)
  --out FOLDER   where the JSON goes (bench-results, of quick runs bench-results/quick)`;

if (import.meta.main) process.exit(await main());

async function main(): Promise<number> {
  const { names, quick, minutes, out } = commandLine("bench", USAGE, asked);
  const log = (text: string) => console.error(`  ${text}`);
  for (const name of names) {
    console.error(name);
    const measure = await BENCHMARKS[name]?.();
    if (!measure) continue;
    const { result, load } = await watchLoad(() => measure({ quick, minutes, log }));
    const made = report(name, result, load);
    console.log(describe(made));
    const path = await writeReport(made, out);
    if (!quick) await writePage(made);
    console.log(`written to ${path}${quick ? "" : ` and docs/${PAGE}`}\n`);
  }
  return 0;
}

function asked() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      minutes: { type: "string", default: "10" },
      out: { type: "string" },
    },
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(BENCHMARKS, name));
  if (unknown.length > 0) throw new Error(`unknown benchmark: ${unknown.join(", ")}`);
  const minutes = numberFrom("minutes", values.minutes, 0.5);
  const out = values.out ?? join(RESULTS, values.quick ? "quick" : "");
  mkdirSync(out, { recursive: true }); // fails now rather than after an hour of runs
  // The one that takes minutes runs when it is named.
  const names = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS).filter(isShort);
  return { names, quick: values.quick, minutes, out };
}

function isShort(name: string): boolean {
  return name !== "memory";
}
