/** Writes the record of a soak as the section of docs/faults.md. */
import { docTable } from "../../scripts/doc-section.ts";
import type { Counts } from "../support/process-holdings.ts";
import { type Growth, growthOf, median } from "./growth.ts";
import { MAX_GROWTH_MIB, MAX_GROWTH_PERCENT, memoryGrowth } from "./memory-verdict.ts";
import { READINGS } from "./memory-watch.ts";
import type { MemoryRecord, SoakRecord, StreamRecord, Strike } from "./record.ts";
import { FAULTS_A_SAMPLE } from "./soak.ts";
import { faultsOf, isStarved, MAX_PRESSURE, SLACK_MS } from "./verdict.ts";

export function reportOf(record: SoakRecord): string {
  const { seed, minutes, everyS, startedAt, machine, strikes, log } = record;
  const faults = faultsOf(record);
  const wrong = faults.length === 1 ? "One thing is" : `${faults.length} things are`;
  const verdict = faults.length === 0 ? "Nothing is wrong." : `**${wrong} wrong.**`;
  const starved = strikes.filter(isStarved).length;
  return [
    `${startedAt.slice(0, 10)}, ${minutes} minutes, a fault every ${everyS} s, seed ${seed}: ${strikes.length} faults struck, and ` +
      `${sum(record.streams.map(({ changes }) => changes))} changes of parameters were made. ${verdict}`,
    ...(faults.length === 0 ? [] : [faults.map((fault) => `- ${inline(fault)}`).join("\n")]),
    docTable(
      ["Stream", "Uptime", "Frames", "Segments", "Engines lost", "Changes", "Longest pause", "End"],
      record.streams.map(streamRow),
    ),
    "Uptime is the share of the run without pauses over half a second. At the end each stream gave frames, and a change of its size was seen in them.",
    docTable(["Memory", "Start", "End", "Growth", "Samples"], memoryRows(record.memory)),
    `Anonymous memory in MiB, sampled once in ${FAULTS_A_SAMPLE} faults: all streams have the same parameters then, a garbage collection is over, and the least of ${READINGS} readings counts. Start and end are those of a line through all samples (Theil–Sen). The server's first samples are left out. Engines die in the first half of the run only; they are measured in the second one, with all models loaded. Each process, and all of them together while all lived, may grow by ${MAX_GROWTH_PERCENT} % over the samples, or in each hour of a longer run; a process that grows by ${MAX_GROWTH_MIB} MiB or less passes, since its single readings scatter by more. The server's heap is the part that JavaScript holds, and is not judged.`,
    docTable(["Held without a stream", "Before", "After"], holdingRows(record.holdings)),
    ...(record.misfires.length === 0
      ? []
      : [
          `${record.misfires.length} faults could not be brought about: ${record.misfires.join("; ")}.`,
        ]),
    `${log.lines} lines of log: ${log.unexpected.length} that no fault explains, ${log.secrets.length} with a secret.`,
    docTable(
      ["Fault", "Struck", "Pause p50", "Longest", "Allowed", "Neighbours' longest"],
      [...grouped(strikes)].map(([fault, some]) => strikeRow(fault, some)),
    ),
    `A pause is the time from the end of the fault, or from its blow if it strikes once, to the end of the last gap of more than half a second in the output; 0 if there was none after it. Allowed is the fault's bound and ${SLACK_MS} ms more, since viewers, orchestrators and faults run on the same cores. ${starved} strikes, during which processes waited for a core for more than ${MAX_PRESSURE * 100} % of the time, are judged by the streams' survival alone.`,
    Object.entries(machine)
      .map(([what, value]) => `${what} ${value}`)
      .join(" · "),
  ].join("\n\n");
}

const streamRow = (one: StreamRecord): string[] => [
  one.name,
  `${(100 * one.uptime).toFixed(1)} %`,
  String(one.frames),
  String(one.segments),
  String(one.restarts),
  String(one.changes),
  `${one.longestPauseMs} ms`,
  one.status,
];

function strikeRow(fault: string, strikes: readonly Strike[]): string[] {
  const pauses = strikes.map(({ resumedMs }) => resumedMs ?? Number.POSITIVE_INFINITY);
  const others = strikes.flatMap(({ neighbours }) => neighbours.map(({ pauseMs }) => pauseMs));
  return [
    fault,
    String(strikes.length),
    milliseconds(median(pauses)),
    milliseconds(Math.max(...pauses)),
    milliseconds((strikes[0]?.boundMs ?? 0) + SLACK_MS),
    milliseconds(Math.max(...others)),
  ];
}

const memoryRows = (memory: readonly MemoryRecord[]): string[][] => {
  const heap = memory.find(({ process }) => process === "server")?.heap ?? [];
  return [
    ...memoryGrowth(memory).map(({ name, ...growth }) => memoryRow(name, growth)),
    ...(heap.length > 0
      ? [memoryRow("server's heap", { ...growthOf(heap), samples: heap.length })]
      : []),
  ];
};

const memoryRow = (
  name: string,
  { start, end, percent, samples }: Growth & { readonly samples: number },
): string[] => [name, start.toFixed(1), end.toFixed(1), `${percent.toFixed(1)} %`, String(samples)];

/** Kinds of holdings by their names in a census. */
const KINDS: readonly (readonly [kind: string, name: RegExp])[] = [
  ["processes", / processes$|: child /],
  ["threads", /: threads /],
  ["sockets", /: sockets /],
  ["other open files", /: (pipes|open file|\[)/],
  ["timers", /: (timeout|interval) /],
  ["requests", /: fetch /],
  ["native media objects", /: (AV|Swr)/],
  ["temporary files", /^temporary files: /],
];

/** Totals of server and engines. */
const holdingRows = ({ start, end }: SoakRecord["holdings"]): string[][] =>
  KINDS.map(([kind, name]) => [kind, ...[start, end].map((census) => String(total(census, name)))]);

const total = (census: Counts, name: RegExp): number =>
  sum(Object.entries(census).map(([what, n]) => (name.test(what) ? n : 0)));

function grouped(strikes: readonly Strike[]): Map<string, Strike[]> {
  const sorted = strikes.toSorted((a, b) => a.fault.localeCompare(b.fault));
  return Map.groupBy(sorted, ({ fault }) => fault);
}

/** Text that does not break a list. */
const inline = (text: string): string => text.replaceAll("\n", " ");
const milliseconds = (value: number): string =>
  Number.isFinite(value) ? `${Math.round(value)} ms` : "never";
const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
