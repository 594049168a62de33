/** Faults between a worker and the server of its output: its POSTs, `/next` and DELETE. */
import { faultsOf, type PathFault } from "./path-fault.ts";

/** From a reset to a new segment on a new connection. */
const RESET_MS = 1000;
/** The longest pause of the back-off, and a new segment. */
const OUTAGE_MS = 1500;
/** A silent peer is given up after five seconds. The fault lasts three of them; two segments are open. */
const HALF_OPEN_MS = 4000;
/** A server that has been made to count elsewhere: its readers wait two seconds before they follow it back. */
const RENUMBERED_MS = 4000;

const refused = { endsStart: "channel_refused" } as const;

const KINDS: readonly PathFault[] = [
  { name: "connections reset", fault: "cut", resumeWithinMs: RESET_MS },
  { name: "connection refused", fault: "refuse", resumeWithinMs: OUTAGE_MS, ...refused },
  { name: "reset in mid-body", fault: "reset", resumeWithinMs: OUTAGE_MS, ...refused },
  { name: "stalled", fault: "stall", resumeWithinMs: RESET_MS, ...refused },
  { name: "half-open", fault: "half_open", resumeWithinMs: HALF_OPEN_MS, ...refused },
  // The other side has ended the channel, and with it the stream.
  { name: "404", fault: "status_404", resumeWithinMs: null, ...refused },
  { name: "470, older", fault: "status_470_older", resumeWithinMs: RENUMBERED_MS },
  { name: "470, newer", fault: "status_470_newer", resumeWithinMs: RENUMBERED_MS },
  { name: "500", fault: "status_500", resumeWithinMs: OUTAGE_MS, ...refused },
  { name: "503", fault: "status_503", resumeWithinMs: OUTAGE_MS },
  { name: "slow reader", fault: "slow", resumeWithinMs: RESET_MS },
  { name: "late answers", fault: "late", resumeWithinMs: RESET_MS },
  { name: "answered before the body ends", fault: "early_close", resumeWithinMs: OUTAGE_MS },
  { name: "bursts of 100 Continue", fault: "continue", resumeWithinMs: RESET_MS },
  { name: "no HTTP", fault: "garbage", resumeWithinMs: OUTAGE_MS, ...refused },
  { name: "handshake cut", fault: "handshake_cut", resumeWithinMs: OUTAGE_MS, ...refused },
  { name: "numbers missing", fault: "seq_missing", resumeWithinMs: RESET_MS },
  { name: "numbers negative", fault: "seq_negative", resumeWithinMs: RESET_MS },
  { name: "numbers huge", fault: "seq_huge", resumeWithinMs: RESET_MS },
  {
    name: "answers shorter than they claim",
    fault: "length_long",
    resumeWithinMs: RESET_MS,
    ...refused,
  },
];

export const OUTPUT_PATH_FAULTS = KINDS.flatMap((kind) => faultsOf("output", kind));
