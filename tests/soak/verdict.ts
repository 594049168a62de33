/** Judges the record of a soak: what should not have happened. */
import { memoryFaults } from "./memory-verdict.ts";
import type { SoakRecord, StreamRecord, Strike, UsageLine } from "./record.ts";
import { STREAM_NAMES } from "./streams/soak-stream.ts";

/** Added to every bound: the run shares its cores with the worker. */
export const SLACK_MS = 1000;
/** Where cores are so short, a late frame says nothing of the worker: such strikes are judged by the streams' survival alone. */
export const MAX_PRESSURE = 0.6;
/** The worker's count of frames and the viewer's differ by what engines that died had not reported, and what paths swallowed. */
const MAX_COUNT_DIFFERENCE = 0.1;

/** Empty if the run is sound. */
export function faultsOf(record: SoakRecord): string[] {
  const { streams, usage, log, holdings, broken } = record;
  return [
    ...(broken === null ? [] : [`the run ended early: ${broken}`]),
    ...STREAM_NAMES.filter((name) => !streams.some((one) => one.name === name)).map(
      (name) => `${name} is not among the streams`,
    ),
    ...streams.flatMap(dead),
    ...record.strikes.flatMap(late),
    ...memoryFaults(record.memory),
    ...holdings.leaks.map((leak) => `left over: ${leak}`),
    ...(usage.length === streams.length
      ? []
      : [`${usage.length} usage records of ${streams.length} streams`]),
    ...usage.flatMap((line) => unbalanced(line)),
    ...streams.flatMap((stream) => miscounted(stream, usage)),
    ...log.unexpected.map((line) => `unexpected in the log: ${line}`),
    ...log.secrets.map((name) => `the log shows ${name}`),
  ];
}

function dead({ name, flows, status, obeys, problems }: StreamRecord): string[] {
  return [
    ...(flows ? [] : [`${name} gives no frames at the end`]),
    ...(status === "active" ? [] : [`${name} is ${status} at the end`]),
    ...(obeys ? [] : [`${name} does not follow a change of its size at the end`]),
    ...problems.map((problem) => `${name}: ${problem}`),
  ];
}

export const isStarved = ({ pressure }: Strike): boolean => (pressure ?? 0) > MAX_PRESSURE;

/** A strike's broken bounds. */
export function late(strike: Strike): string[] {
  const { fault, victim, boundMs, resumedMs, neighbours, neighboursMayPause } = strike;
  if (isStarved(strike) && resumedMs !== null) return [];
  const allowed = boundMs + SLACK_MS;
  const where = `${fault} at ${Math.round(strike.at)} s`;
  const victims =
    resumedMs === null
      ? [`${where}: ${victim} did not resume`]
      : resumedMs > allowed
        ? [`${where}: ${victim} resumed after ${resumedMs} ms, allowed: ${allowed}`]
        : [];
  const others = neighboursMayPause ? allowed : SLACK_MS;
  return [
    ...victims,
    ...neighbours
      .filter(({ pauseMs }) => pauseMs > others)
      .map(({ name, pauseMs }) => `${where}: ${name} paused for ${pauseMs} ms beside it`),
  ];
}

function unbalanced({ stream, duration_s, active_s, paused_s, ...usage }: UsageLine): string[] {
  const off = Math.abs(active_s + paused_s - duration_s);
  const isFailed = usage.error !== null || usage.status === "error";
  return [
    ...(off <= 0.1 ? [] : [`usage of ${stream}: ${off} s are neither active nor paused`]),
    ...(usage.fallback_s <= active_s + 0.1
      ? []
      : [`usage of ${stream}: more fallback than active`]),
    ...(isFailed ? [`usage of ${stream}: it ended as ${usage.status}, ${usage.reason}`] : []),
  ];
}

function miscounted({ name, logId, frames }: StreamRecord, usage: readonly UsageLine[]): string[] {
  const line = usage.find(({ stream }) => stream === logId);
  if (line === undefined) return [`${name} has no usage record`];
  const off = Math.abs(line.frames_out - frames) / Math.max(1, frames);
  return off <= MAX_COUNT_DIFFERENCE
    ? []
    : [`${name} was billed for ${line.frames_out} frames, and ${frames} arrived`];
}
