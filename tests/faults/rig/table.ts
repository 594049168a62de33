/** Renders the outcomes of cases as rows of the matrix in docs/faults.md. */
import type { Outcome } from "./case.ts";
import type { Fault, Phase } from "./fault.ts";

/** A case that was run: its outcome, or why the rig could not run it. */
export interface CaseResult {
  readonly fault: Fault;
  readonly phase: Phase;
  readonly beside: boolean;
  readonly outcome: Outcome | null;
  readonly broken: readonly string[];
}

const HEAD = [
  "| Fault | Phase | Client saw | Pause, alone / beside | Neighbours | Lost | Leaks | Crowding | Holds |",
  "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
];

/** The row of a fault in a phase, from its case alone and its case beside neighbours. */
export function rowOf(fault: Fault, phase: Phase, results: readonly CaseResult[]): string {
  const outcomes = results.flatMap(({ outcome }) => outcome ?? []);
  const broken = [...new Set(results.flatMap((each) => each.broken))];
  const cells = [
    fault.name,
    phase,
    distinct(outcomes.map(sawOf)),
    outcomes.map(pauseOf).join(" / "),
    distinct(outcomes.filter(({ beside }) => beside).map(noticedBy)),
    distinct(outcomes.map(({ lost }) => `${lost}`)),
    distinct(outcomes.map(({ leaks }) => `${leaks.length}`)),
    outcomes.map(({ crowding }) => crowding.toFixed(1)).join(" / "),
    broken.length === 0 ? "yes" : `**no**: ${broken.join("; ")}`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** What the section of the page has, row by row, by fault and phase. */
export function rowsIn(section: string): Map<string, string> {
  const rows = section.split("\n").filter((line) => line.startsWith("| ") && !HEAD.includes(line));
  return new Map(rows.map((row) => [keyOf(row), row]));
}

export const rowKey = (fault: string, phase: string): string => `${fault}, ${phase}`;

/** The section: how much was tried and held, and the table. */
export function sectionText(rows: readonly string[]): string {
  const held = rows.filter((row) => row.endsWith("| yes |")).length;
  const faults = new Set(rows.map((row) => row.split(" | ")[0])).size;
  return [
    `Tried: ${faults} faults in ${rows.length} rows of two cases each. All bounds hold in ${held} rows.`,
    "",
    ...HEAD,
    ...rows,
  ].join("\n");
}

function keyOf(row: string): string {
  const [fault = "", phase = ""] = row.slice(2).split(" | ");
  return rowKey(fault, phase);
}

function sawOf({ phase, answer, end }: Outcome): string {
  const got = answer.code === null ? `${answer.status}` : `${answer.status} ${answer.code}`;
  const later = end === "none" ? "" : `, then ${end}`;
  return phase === "running" ? (end === "none" ? "goes on" : `ends: ${end}`) : got + later;
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
