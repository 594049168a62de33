/** Writes the results of loads as a section of docs/faults.md. */
import { docTable } from "../../scripts/doc-section.ts";
import { type LoadResult, ms } from "./load.ts";

/** The section with the table of this result; tables of other loads stay. */
export function loadSection(
  section: string,
  result: LoadResult,
  { date, cores }: { readonly date: string; readonly cores: number },
): string {
  const known = section.split(/^(?=### )/m).filter((part) => part.startsWith("### "));
  const tables = new Map(known.map((table) => [headingOf(table), table.trim()]));
  const table = tableOf(result);
  tables.set(headingOf(table), table);
  const held = [...tables.values()].filter((each) => each.includes(VERDICTS.kept)).length;
  const head = [
    `${date}, ${cores} cores. ${held} of ${tables.size} loads kept what is promised. Each ran against a server process of its own, beside two`,
    "watched streams: one drawn by a model and read through the server's own trickle server, one with numbered pictures as input and",
    "channels elsewhere, timed from sender to viewer. A load is not judged if the machine was busy with other things right before or after.",
  ].join("\n");
  return [head, ...tables.values()].join("\n\n");
}

const headingOf = (table: string): string => table.slice(0, table.indexOf("\n"));
const VERDICTS = {
  kept: "All promises were kept.",
  broken: "**A promise was broken.**",
  "not judged": "Not judged: machine busy.",
} as const;

/** The same for a terminal. */
export function loadText({ load, promises, media, verdict }: LoadResult): string {
  const lines = promises.map(
    ({ what, measured, holds }) => `  ${holds ? "ok    " : "BROKEN"} ${what}: ${measured}`,
  );
  const seen = media === null ? [] : [media.quiet[0], media.loaded, media.quiet[1]];
  const times = seen.map(
    ({ filmed, crowding }) =>
      `p50 ${ms(filmed.p50)}, p99 ${ms(filmed.p99)}, crowding ${crowding.toFixed(1)}`,
  );
  const streams = times.length === 0 ? [] : [`  before, during and after: ${times.join("; ")}`];
  return [`${load.name}: ${VERDICTS[verdict].replaceAll("*", "")}`, ...lines, ...streams].join(
    "\n",
  );
}

function tableOf({ load, promises, media, verdict }: LoadResult): string {
  const { name, description } = load;
  const crowding = (media === null ? [] : [media.quiet[0], media.loaded, media.quiet[1]])
    .map((each) => each.crowding.toFixed(1))
    .join(", ");
  const machine = crowding === "" ? "" : ` Crowding before, during and after: ${crowding}.`;
  return [
    `### ${capitalized(name)}`,
    `${capitalized(description)}. ${VERDICTS[verdict]}${machine}`,
    docTable(
      ["Promised", "Seen", "Held"],
      promises.map(({ what, measured, holds }) => [what, measured, holds ? "yes" : "**no**"]),
    ),
  ].join("\n\n");
}

const capitalized = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
