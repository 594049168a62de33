/** Writes what a benchmark measured to its section of docs/performance.md and to the summary, with its plots beside the page. */
import { join } from "node:path";
import { docTable, editDoc, writeDocSection } from "../doc-section.ts";
import { type Plot, plotsOf } from "./plots.ts";
import { circumstances, missed, type Report, type Row, shown } from "./report.ts";
import { withSummary } from "./summary.ts";

export const PAGE = "performance.md";
const PLOTS = "plots";

/** Throws if the page has no section of the benchmark's name. */
export async function writePage(made: Report): Promise<void> {
  const plots = plotsOf(made);
  for (const { name, svg } of plots) {
    await Bun.write(join(import.meta.dir, "../../docs", PLOTS, `${name}.svg`), svg);
  }
  await writeDocSection(PAGE, made.benchmark, sectionText(made, plots));
  await editDoc(PAGE, withSummary);
}

/** The section in Markdown. */
export function sectionText(made: Report, plots: readonly Plot[]): string {
  const [machine, versions] = circumstances(made);
  return [
    `Measured ${made.date.slice(0, 16).replace("T", " ")} UTC on ${machine}.\n${versions}.`,
    ...plots.map(({ name, alt }) => `![${alt}](${PLOTS}/${name}.svg)`),
    docTable(HEAD, made.rows.map(cells)),
    ...verdict(made.rows),
  ].join("\n\n");
}

const HEAD = ["Case", "Value", "Reference", "Ratio", "Aim", "Met", "Note"];

const cells = (row: Row): string[] => [
  row.case,
  withUnit(row.value, row.unit),
  row.reference === null ? "" : `${withUnit(row.reference_value, row.unit)}, ${row.reference}`,
  row.ratio === null ? "" : shown(row.ratio),
  row.aim ?? "",
  row.met === null ? "" : row.met ? "yes" : "**no**",
  row.note ?? "",
];

const withUnit = (value: number | null, unit: string): string =>
  value === null ? shown(null) : `${shown(value)} ${unit}`;

function verdict(rows: readonly Row[]): string[] {
  const judged = rows.filter(({ met }) => met !== null);
  if (judged.length === 0) return [];
  const misses = missed(rows).map((row) => row.case);
  const which = misses.length === 0 ? "" : ` Missed: ${misses.join("; ")}.`;
  return [`Aims met: ${judged.length - misses.length} of ${judged.length}.${which}`];
}
