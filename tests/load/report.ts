/** Writes what loads did as a section of docs/faults.md. */
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
  const held = [...tables.values()].filter((each) => !each.includes(BROKEN)).length;
  const head = [
    `${date}, ${cores} cores, shared with other programs: each table says how many processes wanted one. ${held} of ${tables.size} loads kept`,
    "what is promised. Each ran against a server process of its own, beside two watched streams: one drawn by a model and read through",
    "the server's own trickle server, one with numbered pictures as input and channels elsewhere, timed from sender to viewer.",
  ].join("\n");
  return [head, ...tables.values()].join("\n\n");
}

const headingOf = (table: string): string => table.slice(0, table.indexOf("\n"));
const BROKEN = "| **no** |";

/** The same for a terminal. */
export function loadText({ load, attempt, promises, quiet, loaded }: LoadResult): string {
  const lines = promises.map(
    ({ what, saw, holds }) => `  ${holds ? "ok    " : "BROKEN"} ${what}: ${saw}`,
  );
  const [before, after] = quiet;
  const times = [before, loaded, after].map(
    ({ filmed, loadAverage }) =>
      `p50 ${ms(filmed.p50)}, p99 ${ms(filmed.p99)}, load average ${loadAverage.toFixed(1)}`,
  );
  const streams = `  streams before, during and after: ${times.join("; ")}`;
  return [`${load.name} (attempt ${attempt})`, ...lines, streams].join("\n");
}

function tableOf({ load, attempt, promises, loaded }: LoadResult): string {
  const { name, did } = load;
  const rows = promises.map(
    ({ what, saw, holds }) => `| ${cell(what)} | ${cell(saw)} ${holds ? "| yes |" : BROKEN}`,
  );
  const sentence = `${did.slice(0, 1).toUpperCase()}${did.slice(1)}. Attempt ${attempt}, load average ${loaded.loadAverage.toFixed(1)}.`;
  return [
    `### ${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
    "",
    sentence,
    "",
    "| Promised | Seen | Held |",
    "| --- | --- | --- |",
    ...rows,
  ].join("\n");
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
