/** Runs the cases of faults, prints a line for each, and saves what they came to. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { reason } from "../../../src/errors.ts";
import { Crowding } from "../../support/crowding.ts";
import { FaultBench } from "./bench.ts";
import { runCase } from "./case.ts";
import { type Fault, PHASES, type Phase } from "./fault.ts";
import { broken } from "./judge.ts";
import { type CaseResult, verdictOf } from "./table.ts";

/** A fault in a phase: a row of the matrix, of two cases. */
export interface MatrixRow {
  readonly fault: Fault;
  readonly phase: Phase;
}

export interface MatrixOptions {
  readonly rows: readonly MatrixRow[];
  /** Rows that are run at a time, each with a worker of its own. */
  readonly jobs: number;
  /** Gets a JSON file for each case. */
  readonly folder: string;
  readonly print: (line: string) => void;
  /** Gets the cases of a row, alone and beside neighbours. */
  readonly onRow: (row: MatrixRow, results: readonly CaseResult[]) => Promise<void>;
}

/** The rows of faults, in their order. */
export const rowsOf = (faults: readonly Fault[]): MatrixRow[] =>
  faults.flatMap((fault) => (fault.phases ?? PHASES).map((phase) => ({ fault, phase })));

/** Families in turn, by their shares: engines that boot at the same time would crowd the machine. */
export function spread(rows: readonly MatrixRow[]): MatrixRow[] {
  const families = [...Map.groupBy(rows, ({ fault }) => fault.family).values()];
  return families
    .flatMap((family) =>
      family.map((row, index) => ({ row, place: (index + 0.5) / family.length })),
    )
    .toSorted((a, b) => a.place - b.place)
    .map(({ row }) => row);
}

/** Runs each row alone and beside neighbours. */
export async function runMatrix(options: MatrixOptions): Promise<CaseResult[]> {
  await mkdir(options.folder, { recursive: true });
  const bySettings = Map.groupBy(spread(options.rows), ({ fault: { flags = [] } }) =>
    flags.join(" "),
  );
  const waiting = [...bySettings.values()].flat();
  const results: CaseResult[] = [];
  const runRows = async (): Promise<void> => {
    await using shared = new SharedBench();
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      const alone = await runOne({ ...row, beside: false }, shared, options);
      const beside = await runOne({ ...row, beside: true }, shared, options);
      results.push(alone, beside);
      await options.onRow(row, [alone, beside]);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, runRows));
  return results;
}

type Case = Pick<CaseResult, "fault" | "phase" | "beside">;

/** A case that cannot be judged, as the machine is busy, is run once more. */
async function runOne(
  { fault, phase, beside }: Case,
  shared: SharedBench,
  { folder, print }: MatrixOptions,
): Promise<CaseResult> {
  const begun = performance.now();
  const attempt = async (): Promise<CaseResult> => {
    using crowding = new Crowding();
    try {
      const outcome = await runCase(await shared.get(fault.flags), fault, { phase, beside });
      const { crowding: measured } = outcome;
      return {
        fault,
        phase,
        beside,
        outcome,
        crowding: measured,
        broken: broken(fault, outcome),
      };
    } catch (error) {
      const lines = await shared.close();
      await Bun.write(join(folder, `${fileOf({ fault, phase, beside })}.log`), lines.join("\n"));
      const { factor } = crowding;
      return { fault, phase, beside, outcome: null, crowding: factor, broken: [reason(error)] };
    }
  };
  let result = await attempt();
  if (verdictOf(result) === "not judged") result = await attempt();
  const name = fileOf(result);
  await Bun.write(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  if (result.outcome !== null && result.broken.length > 0)
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

const MARKS = { holds: "ok  ", broken: "FAIL", "not judged": "BUSY" } as const;

function lineOf(result: CaseResult, ms: number): string {
  const { fault, phase, beside, outcome, broken, crowding } = result;
  const pause = outcome?.pauseMs == null ? "" : `, pause ${outcome.pauseMs} ms`;
  const what = `${fault.name}, ${phase}, ${beside ? "beside neighbours" : "alone"}`;
  const why = broken.map((each) => `\n       ${each}`).join("");
  return `${MARKS[verdictOf(result)]} ${what}${pause}, crowding ${crowding.toFixed(1)} [${(ms / 1000).toFixed(1)} s]${why}`;
}
