/** Faults between a worker and the server of its input: its GETs. */
import { faultsOf, type PathFault } from "./path-fault.ts";

/** A segment is read on from the byte that was reached. */
const RESET_MS = 1000;
/** The longest pause between two tries. */
const OUTAGE_MS = 1500;
/** What is left of a segment of one second is lost. */
const SEGMENT_MS = 2000;
/** A waiting request is replaced after five seconds. The fault lasts three of them; then a segment begins, and one is left. */
const HALF_OPEN_MS = 6000;
/** A server whose newest segment is older than the one asked for is followed back after two seconds. */
const RENUMBERED_MS = 4000;

const refused = { endsStart: "channel_refused" } as const;

const KINDS: readonly PathFault[] = [
  { name: "connections reset", fault: "cut", resumeWithinMs: RESET_MS },
  { name: "connection refused", fault: "refuse", resumeWithinMs: OUTAGE_MS, ...refused },
  { name: "reset in mid-body", fault: "reset", resumeWithinMs: SEGMENT_MS, ...refused },
  { name: "stalled", fault: "stall", resumeWithinMs: RESET_MS, ...refused },
  { name: "half-open", fault: "half_open", resumeWithinMs: HALF_OPEN_MS, ...refused },
  // The other side has ended the channel, and with it the stream.
  { name: "404", fault: "status_404", resumeWithinMs: null, ...refused },
  { name: "470, older", fault: "status_470_older", resumeWithinMs: RENUMBERED_MS },
  { name: "470, newer", fault: "status_470_newer", resumeWithinMs: RENUMBERED_MS },
  { name: "500", fault: "status_500", resumeWithinMs: OUTAGE_MS, ...refused },
  { name: "503", fault: "status_503", resumeWithinMs: OUTAGE_MS },
  { name: "a few KB/s", fault: "slow", resumeWithinMs: OUTAGE_MS },
  { name: "late answers", fault: "late", resumeWithinMs: OUTAGE_MS },
  { name: "duplicate segments", fault: "duplicate", resumeWithinMs: RESET_MS },
  { name: "answers without bytes", fault: "empty", resumeWithinMs: SEGMENT_MS },
  { name: "segments cut short", fault: "early_close", resumeWithinMs: SEGMENT_MS },
  { name: "bursts of 100 Continue", fault: "continue", resumeWithinMs: RESET_MS },
  { name: "no HTTP", fault: "garbage", resumeWithinMs: OUTAGE_MS, ...refused },
  { name: "handshake cut", fault: "handshake_cut", resumeWithinMs: OUTAGE_MS, ...refused },
  { name: "numbers missing", fault: "seq_missing", resumeWithinMs: RESET_MS },
  { name: "numbers negative", fault: "seq_negative", resumeWithinMs: RESET_MS },
  { name: "numbers huge", fault: "seq_huge", resumeWithinMs: RESET_MS },
  { name: "segments longer than they claim", fault: "length_short", resumeWithinMs: SEGMENT_MS },
  {
    name: "answers shorter than they claim",
    fault: "length_long",
    resumeWithinMs: RESET_MS,
    ...refused,
  },
];

export const INPUT_PATH_FAULTS = KINDS.flatMap((kind) => faultsOf("input", kind));
