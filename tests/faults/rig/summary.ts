/** Sums the rows of the matrix up for docs/faults.md: one row for each thing that faults strike. */
import { docTable } from "../../../scripts/doc-section.ts";
import { holds, isNotJudged, type Row } from "./table.ts";

/** By the first word of faults' names. */
const STRUCK: Readonly<Record<string, string>> = {
  output: "channel of the output",
  input: "channel of the input, or its bytes",
  side: "channels for control, events and data",
  decoder: "decoder",
  model: "model, its files and runs",
  engine: "engine process",
  server: "server process",
  clock: "clock of the machine",
};
const HEAD = [
  "What is struck",
  "Rows",
  "Held",
  "Longest pause once it was over",
  "Longest pause of a neighbour",
  "Rows that end the stream",
];

/** How much of all was tried and held, and the table. */
export function summaryText(rows: readonly Row[], all: number): string {
  const busy = rows.filter(isNotJudged).length;
  const held = rows.filter(holds).length;
  const summary = [
    `Rows tried: ${rows.length} of ${all}, with two cases each.`,
    `All bounds held in ${held}, some were broken in ${rows.length - held - busy}, and ${busy} are not judged.`,
  ].join(" ");
  const groups = Map.groupBy(rows, ([fault = ""]) => fault.split(":", 1)[0] ?? "");
  const lines = [...groups].map(([word, of]) => [
    STRUCK[word] ?? word,
    `${of.length}`,
    `${of.filter(holds).length}`,
    longest(of.flatMap(([, , , pauses = ""]) => pauses.split(" / "))),
    longest(of.flatMap(([, , , , neighbours = ""]) => neighbours.split("≤ ").slice(1))),
    `${of.filter(([, , saw = ""]) => /ends|, then /.test(saw)).length}`,
  ]);
  return `${summary}\n\n${docTable(HEAD, lines)}`;
}

/** Of texts that begin with seconds, such as "2.9 s (5.9 s)"; others do not count. */
function longest(pauses: readonly string[]): string {
  const seconds = pauses.map(Number.parseFloat).filter((each) => !Number.isNaN(each));
  return seconds.length === 0 ? "none" : `${Math.max(...seconds).toFixed(1)} s`;
}
