/** Faults between a worker and the server of its control, events and data channels: media does not notice them. */
import type { TrickleFault } from "../peer/faulty-trickle.ts";
import { faultsOf, type PathFault } from "./path-fault.ts";

const UNNOTICED_MS = 500;

const harmless = (name: string, fault: TrickleFault | "cut"): PathFault => ({
  ...{ name, fault, resumeWithinMs: UNNOTICED_MS },
});

const KINDS: readonly PathFault[] = [
  harmless("connections reset", "cut"),
  harmless("connection refused", "refuse"),
  harmless("reset in mid-body", "reset"),
  harmless("stalled", "stall"),
  harmless("half-open", "half_open"),
  // The other side has ended them, and with them the stream.
  { name: "404", fault: "status_404", resumeWithinMs: null, endsStart: "channel_refused" },
  harmless("470, older", "status_470_older"),
  harmless("470, newer", "status_470_newer"),
  harmless("500", "status_500"),
  harmless("503", "status_503"),
  harmless("a few KB/s", "slow"),
  harmless("empty segments", "empty"),
  harmless("answered before the body ends", "early_close"),
  harmless("bursts of 100 Continue", "continue"),
  harmless("no HTTP", "garbage"),
  harmless("numbers huge", "seq_huge"),
  harmless("answers shorter than they claim", "length_long"),
];

export const SIDE_PATH_FAULTS = KINDS.flatMap((kind) => faultsOf("side", kind));
