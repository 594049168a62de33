/** Writes what loads did as a section of docs/faults.md. */
import { isSound, type LoadResult, ms } from "./load.ts";

/** A table for each load: what was promised, what was seen, and whether it held. */
export function loadSection(
  results: readonly LoadResult[],
  {
    date,
    cores,
    load1m,
  }: { readonly date: string; readonly cores: number; readonly load1m: number },
): string {
  const held = results.filter(isSound).length;
  const head = [
    `${date}, ${cores} cores, load average ${load1m.toFixed(1)} at the start; ${held} of ${results.length} loads kept what is promised.`,
    "Each ran against a server process of its own, beside two watched streams: one drawn by a model and read through the server's own",
    "trickle server, one with numbered pictures as input and channels elsewhere, timed from sender to viewer.",
  ].join("\n");
  return [head, ...results.map(tableOf)].join("\n\n");
}

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
    ({ what, saw, holds }) => `| ${cell(what)} | ${cell(saw)} | ${holds ? "yes" : "**no**"} |`,
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
