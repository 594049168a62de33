/** Lists the faults between a worker and trickle servers: how long output may pause after each, by the path that it strikes. */
import type { FaultyTrickle, TrickleFault } from "../peer/faulty-trickle.ts";
import type { Fault } from "../rig/fault.ts";

type PathName = Exclude<keyof FaultyTrickle, symbol>;

/** Longer than a blink, shorter than what ends a stream. */
const LASTS_MS = 3000;

/** A segment of input is read on from the byte that was reached; output begins a new one on a new connection. */
const RESET_MS = 1000;
/** The longest pause between two tries. */
const OUTAGE_MS = 1500;
/** What is left of a segment of one second is lost. */
const SEGMENT_MS = 2000;
/** A server whose newest segment is older than the one asked for is followed back after two seconds, by readers of output too. */
const RENUMBERED_MS = 4000;
/** A waiting GET is replaced after five seconds. The fault lasts three of them; then a segment begins, and one is left. */
const HALF_OPEN_INPUT_MS = 6000;
/** A silent peer is given up after five seconds. The fault lasts three of them; two segments are open. */
const HALF_OPEN_OUTPUT_MS = 4000;
/** Media does not notice what happens to control, events and data channels. */
const SIDE_MS = 500;
/**
 * A control message takes effect within this time after the fault: readers try again at once or after a pause, and replace a
 * waiting GET after five seconds.
 */
const OBEYS_MS = 2000;
const HALF_OPEN_OBEYS_MS = 5500;
/** The other side has ended the channel, and with it the stream, in order. */
const ENDS = null;
const NOT_TRIED = undefined;

type Bound = number | typeof ENDS | typeof NOT_TRIED;
type Row = readonly [
  /** `cut`: all open connections are reset, once. */
  fault: TrickleFault | "cut",
  name: string,
  /** GETs of segments. */
  input: Bound,
  /** POSTs, `/next` and DELETE. */
  output: Bound,
  /** Control, events and data channels. */
  side: Bound,
  /** The paths whose channel does not accept a stream that starts meanwhile: a gateway turns to another worker. */
  refuses?: readonly PathName[],
];
const MEDIA = ["input", "output"] as const;
const ALL = ["input", "output", "side"] as const;

const ROWS: readonly Row[] = [
  ["cut", "connections reset", RESET_MS, RESET_MS, SIDE_MS],
  ["refuse", "connection refused", OUTAGE_MS, OUTAGE_MS, SIDE_MS, MEDIA],
  ["reset", "reset in mid-body", SEGMENT_MS, OUTAGE_MS, SIDE_MS, MEDIA],
  ["stall", "stalled", RESET_MS, RESET_MS, SIDE_MS, MEDIA],
  ["half_open", "half-open", HALF_OPEN_INPUT_MS, HALF_OPEN_OUTPUT_MS, SIDE_MS, MEDIA],
  ["status_404", "404", ENDS, ENDS, SIDE_MS, ALL],
  ["status_470_older", "470, older", RENUMBERED_MS, RENUMBERED_MS, SIDE_MS],
  ["status_470_newer", "470, newer", RENUMBERED_MS, RENUMBERED_MS, SIDE_MS],
  ["status_500", "500", OUTAGE_MS, OUTAGE_MS, SIDE_MS, MEDIA],
  ["status_503", "503", OUTAGE_MS, OUTAGE_MS, SIDE_MS],
  ["slow", "a few KB/s", OUTAGE_MS, NOT_TRIED, SIDE_MS],
  ["slow", "slow reader", NOT_TRIED, RESET_MS, NOT_TRIED],
  ["late", "late answers", OUTAGE_MS, RESET_MS, NOT_TRIED],
  ["duplicate", "duplicate segments", RESET_MS, NOT_TRIED, NOT_TRIED],
  ["empty", "answers without bytes", SEGMENT_MS, NOT_TRIED, NOT_TRIED],
  ["empty", "empty segments", NOT_TRIED, NOT_TRIED, SIDE_MS],
  ["early_close", "segments cut short", SEGMENT_MS, NOT_TRIED, NOT_TRIED],
  ["early_close", "answered before the body ends", NOT_TRIED, OUTAGE_MS, SIDE_MS],
  ["continue", "bursts of 100 Continue", RESET_MS, RESET_MS, SIDE_MS],
  ["garbage", "no HTTP", OUTAGE_MS, OUTAGE_MS, SIDE_MS, MEDIA],
  ["handshake_cut", "handshake cut", OUTAGE_MS, OUTAGE_MS, NOT_TRIED, MEDIA],
  ["seq_missing", "numbers missing", RESET_MS, RESET_MS, NOT_TRIED],
  ["seq_negative", "numbers negative", RESET_MS, RESET_MS, NOT_TRIED],
  ["seq_huge", "numbers huge", RESET_MS, RESET_MS, SIDE_MS],
  ["length_short", "segments longer than they claim", SEGMENT_MS, NOT_TRIED, NOT_TRIED],
  ["length_long", "answers shorter than they claim", RESET_MS, RESET_MS, SIDE_MS, MEDIA],
];

export const TRICKLE_PATH_FAULTS: readonly Fault[] = (["output", "input", "side"] as const).flatMap(
  (path) => ROWS.flatMap((row) => faultsOf(path, row)),
);

/** None where it is not tried; two where a start ends otherwise than a stream that runs. */
function faultsOf(
  path: PathName,
  [kind, name, input, output, side, refuses = []]: Row,
): readonly Fault[] {
  const { [path]: resumeWithinMs } = { input, output, side };
  if (resumeWithinMs === NOT_TRIED) return [];
  const fault: Fault = {
    name: `${path}: ${name}`,
    family: "trickle",
    resumeWithinMs,
    end: resumeWithinMs === ENDS ? "in order" : "none",
    neighboursMayPause: false,
    ...(kind === "status_404" && { endsChannels: true }),
    ...(path === "side" &&
      kind !== "status_404" && {
        obeysWithinMs: kind === "half_open" ? HALF_OPEN_OBEYS_MS : OBEYS_MS,
      }),
    lastsMs: kind === "cut" ? 0 : LASTS_MS,
    inject: async ({ trickle }) => {
      const { [path]: faulty } = trickle;
      if (kind === "cut") {
        faulty.cutOpen();
        return async () => {};
      }
      await faulty.set(kind);
      return () => faulty.clear();
    },
  };
  if (!refuses.includes(path)) return [fault];
  const atStart = { name: `${fault.name}, at the start`, end: "channel_refused" } as const;
  return [
    { ...fault, phases: ["running", "stopping"] },
    { ...fault, ...atStart, resumeWithinMs: null, phases: ["starting"] },
  ];
}
