/** Renders the outcomes of cases as rows of the matrix in docs/faults-matrix.md. */
import { docTable } from "../../../scripts/doc-section.ts";
import { MAX_CROWDING } from "../../support/crowding.ts";
import type { Outcome } from "./case.ts";
import type { Fault, Phase } from "./fault.ts";

/** A case that was run: its outcome, or why the rig could not run it. */
export interface CaseResult {
  readonly fault: Fault;
  readonly phase: Phase;
  readonly beside: boolean;
  readonly outcome: Outcome | null;
  readonly broken: readonly string[];
  /** How many times slower the machine was than an idle one. */
  readonly crowding: number;
}

/** On a machine that is too crowded a case proves nothing, whether its bounds held or not. */
export function verdictOf(result: Pick<CaseResult, "broken" | "crowding">): Verdict {
  if (result.crowding > MAX_CROWDING) return "not judged";
  return result.broken.length === 0 ? "holds" : "broken";
}
export type Verdict = "holds" | "broken" | "not judged";

const HEAD = [
  ...["Fault", "Phase", "Client saw", "Pause, alone / beside", "Neighbours", "Lost", "Leaks"],
  ...["Crowding", "Holds"],
];
const HOLDS = "yes";
const NOT_JUDGED = "not judged: machine busy";

/** The cells of one fault in one phase. */
export type Row = readonly string[];

/** The row of a fault in a phase, from its case alone and its case beside neighbours. */
export function rowOf(fault: Fault, phase: Phase, results: readonly CaseResult[]): Row {
  const outcomes = results.flatMap(({ outcome }) => outcome ?? []);
  return [
    fault.name,
    phase,
    distinct(outcomes.map(sawOf)),
    outcomes.map(pauseOf).join(" / "),
    distinct(outcomes.filter(({ beside }) => beside).map(noticedBy)),
    distinct(outcomes.map(({ lost }) => `${lost}`)),
    distinct(outcomes.map(({ leaks }) => `${leaks.length}`)),
    results.map(({ crowding }) => crowding.toFixed(1)).join(" / "),
    judgementOf(results),
  ];
}

/** One case that does not hold is enough for a no; a yes takes both. What cases have seen that are not judged is shown. */
function judgementOf(results: readonly CaseResult[]): string {
  const of = (verdict: Verdict) => results.filter((each) => verdictOf(each) === verdict);
  const seen = (some: readonly CaseResult[]) =>
    [...new Set(some.flatMap(({ broken }) => broken))].join("; ");
  if (of("broken").length > 0) return `**no**: ${seen(of("broken"))}`;
  const busy = of("not judged");
  if (busy.length === 0) return HOLDS;
  return seen(busy) === "" ? NOT_JUDGED : `${NOT_JUDGED}; seen: ${seen(busy)}`;
}

/** What the section of the page has, row by row, by fault and phase. */
export function rowsIn(section: string): Map<string, Row> {
  const rows = section
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) =>
      line
        .slice(2, -2)
        .split(" | ")
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );
  return new Map(rows.map((row) => [keyOf(row), row]));
}

export const rowKey = (fault: string, phase: string): string => `${fault}, ${phase}`;

/** Whether the machine was too busy to judge the row. */
export const isNotJudged = (row: Row): boolean => row.at(-1)?.startsWith(NOT_JUDGED) ?? true;

/** Whether all bounds held. */
export const holds = (row: Row): boolean => row.at(-1) === HOLDS;

export const tableText = (rows: readonly Row[]): string => docTable(HEAD, rows);

const keyOf = ([fault = "", phase = ""]: Row): string => rowKey(fault, phase);

function sawOf({ phase, answer, end, pauseMs }: Outcome): string {
  const got = answer.code === null ? `${answer.status}` : `${answer.status} ${answer.code}`;
  if (phase !== "running") return end === "none" ? got : `${got}, then ${end}`;
  if (end === "none") return pauseMs === null ? "no more output" : "goes on";
  return end === "in order" ? "ends in order" : `ends: ${end}`;
}

/** The pause that is judged, and the longest in all where that is longer. */
function pauseOf({ pauseMs, outageMs }: Outcome): string {
  if (pauseMs === null) return "–";
  const all = outageMs !== null && outageMs > pauseMs + 500 ? ` (${seconds(outageMs)})` : "";
  return `${seconds(pauseMs)}${all}`;
}

function noticedBy({ gaps, neighboursLost }: Outcome): string {
  const all = gaps.flat();
  if (all.length === 0) return neighboursLost === 0 ? "nothing" : `${neighboursLost} frames lost`;
  return `${all.length} × ≤ ${seconds(Math.max(...all))}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** One value where all are the same, else all of them. */
const distinct = (values: readonly string[]): string => [...new Set(values)].join(" / ");
