/** Judges a network run of the live-runner mode by what its clients and orchestrators saw. */
import type { GatewayStandIn } from "../gateway.ts";
import type { OutputJudge } from "../gateway-output.ts";
import type { MediaClient } from "./media-client.ts";

/** A line of the worker's usage log. */
export interface UsageRecord {
  readonly status: string;
  readonly reason: string;
  readonly duration_s: number;
  readonly active_s: number;
  readonly paused_s: number;
}

/** What was seen; times in milliseconds. */
export interface Observations {
  readonly gateway: GatewayStandIn;
  readonly byocStopMs: number;
  /** Sessions that kept on: until the orchestrator's restart, until their client fell silent, and from the restart on. */
  readonly sessions: Readonly<Record<"steady" | "silent" | "second", MediaClient>>;
  /** Status of a session and of a BYOC stream beyond all places. */
  readonly overruns: readonly number[];
  /** Beyond the silent session's own limit. */
  readonly releasedMs: number;
  readonly soldAgainMs: number;
  /** From the restart to the registration, and to output of a new session. */
  readonly registeredMs: number;
  readonly resumedMs: number;
  /** From the end of the input to that of the output. */
  readonly endedMs: number;
  readonly stopStatus: number;
  /** From SIGTERM to the unregistration. */
  readonly leftMs: number;
  /** Arrivals of heartbeats. */
  readonly beats: readonly number[];
  /** Longest allowed time between two of them. */
  readonly longestBeatMs: number;
  readonly usage: readonly UsageRecord[];
}

export interface Verdict {
  /** What was measured, in words. */
  readonly rows: readonly (readonly [string, string])[];
  /** What should not have happened; empty if the run is sound. */
  readonly faults: readonly string[];
}

/** Worker-written channels get an empty segment each minute. */
const SILENCE_MS = 65_000;
/** The steady session and the one after it, the silent one, and its buyer. */
const SESSIONS = 4;

export function verdict(seen: Observations): Verdict {
  const { gateway, usage } = seen;
  const { steady, silent, second } = seen.sessions;
  const outputs = [steady.output, second.output, gateway.output];
  const beatMs = Math.max(
    ...seen.beats.slice(1).map((at, index) => at - (seen.beats[index] ?? at)),
  );
  const faults = [
    ...gateway.watchdogs.firings.map(({ watchdog, reason }) => `BYOC ${watchdog}: ${reason}`),
    ...gateway.faults,
    ...outputs.flatMap(outputFaults),
    ...[steady, second].flatMap(({ events, data }) => [...events.faults, ...data.faults]),
    ...late("the events channel was silent for", second.events.longestGapMs, SILENCE_MS),
    ...late("the data channel was silent for", second.data.longestGapMs, SILENCE_MS),
    ...seen.overruns
      .filter((status) => status !== 503 && status !== 409)
      .map((status) => `a start beyond all places was answered with ${status}`),
    ...late("the silent session was released after its limit by", seen.releasedMs, 5000),
    ...late("its place was sold again after", seen.soldAgainMs, 5000),
    ...late("the worker was registered again after", seen.registeredMs, 5000),
    ...late("the output ended after its input by", seen.endedMs, 4000),
    ...late("heartbeats paused for", beatMs, seen.longestBeatMs),
    ...late("the worker unregistered after", seen.leftMs, 2000),
    ...(seen.stopStatus < 300 ? [] : [`the client's stop was answered with ${seen.stopStatus}`]),
    ...(usage.length === SESSIONS ? [] : [`${usage.length} usage records of ${SESSIONS} sessions`]),
    ...usage.flatMap(balance),
    ...endings(usage),
  ];
  const each = (figure: (client: MediaClient) => string) => `${figure(steady)}, ${figure(second)}`;
  const rows: Verdict["rows"] = [
    ["BYOC watchdog firings", String(gateway.watchdogs.firings.length)],
    ["BYOC stop answered after", ms(seen.byocStopMs)],
    ["starts answered after", `${each(startMs)}; silent: ${startMs(silent)}`],
    ["longest gap of output", each(({ longestGapMs }) => ms(longestGapMs))],
    ["frames sent / read", each(({ framesSent, output }) => `${framesSent} / ${output.frames}`)],
    ["marked joints, BYOC's last", outputs.map(({ joints }) => joints).join(", ")],
    [
      "events, data objects, empty segments",
      each(({ events, data }) =>
        [events.objects.length, data.objects.length, events.empty + data.empty].join(" / "),
      ),
    ],
    ["starts beyond all places", seen.overruns.join(", ")],
    ["silent session released, after its limit", ms(seen.releasedMs)],
    ["its place sold again, with output, after", ms(seen.soldAgainMs)],
    ["registered again after the restart", ms(seen.registeredMs)],
    ["output of a new session after the restart", ms(seen.resumedMs)],
    ["output ended after its input", ms(seen.endedMs)],
    ["longest pause of heartbeats", ms(beatMs)],
    ["unregistered after SIGTERM", ms(seen.leftMs)],
    ["usage records", usage.map(({ status, reason }) => `${status} (${reason})`).join(", ")],
    ["faults", String(faults.length)],
  ];
  return { rows, faults };
}

/** An engine that dies cuts one segment: its last frame may be damaged, and it may end in mid-packet. */
function outputFaults({ faults, breaks, missing, joints, frames }: OutputJudge): string[] {
  const isCut = (fault: string): boolean => fault.includes("damaged frame");
  const cut = [...faults.filter(isCut), ...missing];
  return [
    ...faults.filter((fault) => !isCut(fault)),
    ...breaks,
    ...(cut.length > 2 * joints ? cut : []),
    ...(frames === 0 ? ["an output without frames"] : []),
  ];
}

const startMs = ({ started }: MediaClient): string => ms(started.tookMs);

function balance({ duration_s, active_s, paused_s }: UsageRecord): string[] {
  const difference = Math.abs(active_s + paused_s - duration_s);
  return difference <= 0.1 ? [] : [`${difference} s of usage are neither active nor paused`];
}

/** One client fell silent, and two closed their inputs. The session of the restart has lost its channels or its registration. */
function endings(usage: readonly UsageRecord[]): string[] {
  const count = (reason: string) => usage.filter((one) => one.reason === reason).length;
  return count("no_input") === 1 && count("input_ended") >= 2
    ? []
    : [`sessions ended by ${usage.map(({ reason }) => reason).join(", ")}`];
}

const late = (what: string, took: number, limit: number): string[] =>
  took <= limit ? [] : [`${what} ${ms(took)}; at most ${ms(limit)}`];

const ms = (milliseconds: number): string => `${milliseconds.toFixed(0)} ms`;
