/** Runs the cases of faults, prints a line for each, and saves what they came to. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { reason } from "../../../src/errors.ts";
import { FaultBench } from "./bench.ts";
import { runCase } from "./case.ts";
import { type Fault, PHASES, type Phase } from "./fault.ts";
import { broken } from "./judge.ts";
import type { CaseResult } from "./table.ts";

/** A case whose bounds break while the machine is more crowded than this is tried once more. */
const CROWDED = 1.5;

export interface MatrixOptions {
  readonly faults: readonly Fault[];
  readonly phases: readonly Phase[];
  /** Faults that are tried at a time, each with a worker of its own. */
  readonly jobs: number;
  /** Gets a JSON file for each case. */
  readonly folder: string;
  readonly print: (line: string) => void;
  /** Gets the cases of a fault in a phase. */
  readonly onRow: (fault: Fault, phase: Phase, results: readonly CaseResult[]) => Promise<void>;
}

export const phasesOf = ({ phases = PHASES }: Fault): readonly Phase[] => phases;

/** Runs each fault in each phase, alone and beside neighbours. */
export async function runMatrix(options: MatrixOptions): Promise<CaseResult[]> {
  await mkdir(options.folder, { recursive: true });
  const bySettings = Map.groupBy(options.faults, ({ flags = [] }) => flags.join(" "));
  const waiting = [...bySettings.values()].flat();
  const results: CaseResult[] = [];
  const runFaults = async (): Promise<void> => {
    await using shared = new SharedBench();
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift())
      for (const phase of phasesOf(fault).filter((one) => options.phases.includes(one))) {
        const alone = await runOne({ fault, phase, beside: false }, shared, options);
        const beside = await runOne({ fault, phase, beside: true }, shared, options);
        results.push(alone, beside);
        await options.onRow(fault, phase, [alone, beside]);
      }
  };
  await Promise.all(Array.from({ length: options.jobs }, runFaults));
  return results;
}

type Case = Pick<CaseResult, "fault" | "phase" | "beside">;

async function runOne(
  { fault, phase, beside }: Case,
  shared: SharedBench,
  { folder, print }: MatrixOptions,
): Promise<CaseResult> {
  const begun = performance.now();
  const attempt = async (): Promise<CaseResult> => {
    try {
      const outcome = await runCase(await shared.get(fault.flags), fault, { phase, beside });
      return { fault, phase, beside, outcome, broken: broken(fault, outcome) };
    } catch (error) {
      const lines = await shared.close();
      await Bun.write(join(folder, `${fileOf({ fault, phase, beside })}.log`), lines.join("\n"));
      return { fault, phase, beside, outcome: null, broken: [reason(error)] };
    }
  };
  let result = await attempt();
  if (result.broken.length > 0 && (result.outcome?.crowding ?? CROWDED) >= CROWDED)
    result = await attempt();
  const name = fileOf(result);
  await Bun.write(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  if (result.broken.length > 0)
    await Bun.write(join(folder, `${name}.log`), shared.lines.join("\n"));
  print(lineOf(result, performance.now() - begun));
  return result;
}

/** A worker for many cases with the same settings; another one after a case that could not be run. */
class SharedBench implements AsyncDisposable {
  #flags: readonly string[] = [];
  #bench: FaultBench | null = null;

  /** The worker's log. */
  get lines(): readonly string[] {
    return this.#bench?.worker.lines ?? [];
  }

  async get(flags: readonly string[] = []): Promise<FaultBench> {
    if (!Bun.deepEquals(flags, this.#flags)) await this.close();
    this.#flags = flags;
    this.#bench ??= await FaultBench.open(flags);
    return this.#bench;
  }

  /** Returns the log of the worker. */
  async close(): Promise<readonly string[]> {
    const bench = this.#bench;
    this.#bench = null;
    await bench?.[Symbol.asyncDispose]();
    return bench?.worker.lines ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const fileOf = ({ fault, phase, beside }: Case): string =>
  `${fault.name.replace(/[^\w]+/g, "-")}.${phase}.${beside ? "beside" : "alone"}`;

function lineOf({ fault, phase, beside, outcome, broken }: CaseResult, ms: number): string {
  const pause = outcome?.pauseMs == null ? "" : `, pause ${outcome.pauseMs} ms`;
  const crowding = outcome === null ? "" : `, crowding ${outcome.crowding.toFixed(1)}`;
  const verdict = broken.length === 0 ? "ok  " : "FAIL";
  const what = `${fault.name}, ${phase}, ${beside ? "beside neighbours" : "alone"}`;
  const why = broken.map((each) => `\n       ${each}`).join("");
  return `${verdict} ${what}${pause}${crowding} [${(ms / 1000).toFixed(1)} s]${why}`;
}
