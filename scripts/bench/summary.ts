/** Gathers the rows that say most from the sections of docs/performance.md, for the table at its top. */
import { docTable, sectionOf, withSection } from "../doc-section.ts";

/** Sections of the page, and the cases of each that stand in the summary. */
const CASES = [
  ["latency", "beside pytrickle: first byte p50"],
  ["latency", "beside pytrickle: first byte p99"],
  ["latency", "beside pytrickle: CPU with the trickle server"],
  ["latency", "beside pytrickle: memory"],
  ["pipeline", "512² over trickle: wall"],
  ["pipeline", "720p over trickle: wall"],
  ["latency", "identity p50"],
  ["pipeline", "512² CPU"],
  ["pipeline", "720p CPU"],
  ["streams", "streams with less than 1 % dropped"],
  ["batch", "4 streams of weighty"],
  ["http", "text-reversal"],
  ["start", "later start: /health answers"],
  ["join", "parameters posted → first changed picture p95"],
] as const;

/** The page with its section "summary" as its other sections say. Cases that a section lacks are left out. */
export function withSummary(page: string): string {
  const rows = CASES.flatMap(([section, name]) => {
    const cells = cellsOf(sectionOf(page, section), name);
    return cells === undefined ? [] : [[`[${section}](#${section})`, ...cells.slice(0, 6)]];
  });
  return withSection(page, "summary", docTable(HEAD, rows));
}

const HEAD = ["Section", "Case", "Value", "Reference", "Ratio", "Aim", "Met"];

const cellsOf = (section: string, name: string): readonly string[] | undefined =>
  section
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| |\|$/g, "").trim()))
    .find(([first]) => first === name);
