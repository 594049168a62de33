/** Declares the outcomes of sessions, and derives one from the end of a stream (live-runner.md 3.4, 4.3). */
import type { Stream } from "../../../streams/stream.ts";

export interface SessionOutcome {
  readonly status: "completed" | "stopped" | "expired" | "failed";
  /** The caller's words for a stop, else a word of ours. */
  readonly reason: string;
}

/** The client has closed its input channel, and its orchestrator still had the session. */
export const INPUT_ENDED: SessionOutcome = { status: "completed", reason: "input_ended" };
/** The orchestrator does not have the session any more. */
export const RELEASED: SessionOutcome = { status: "stopped", reason: "orchestrator_release" };
/** The operator of this server has stopped the stream. */
export const OPERATOR: SessionOutcome = { status: "stopped", reason: "operator" };
export const SHUTDOWN: SessionOutcome = { status: "stopped", reason: "shutdown" };
/** Reserved and not started in time. */
export const UNUSED: SessionOutcome = { status: "expired", reason: "unused" };
export const NO_INPUT: SessionOutcome = { status: "expired", reason: "no_input" };
export const MAX_SESSION: SessionOutcome = { status: "expired", reason: "max_session" };
/** The orchestrator has dropped the runner. */
export const LOST = failed("registration_lost");

/** The outcome of a session whose stream ended first. */
export function outcomeOf({ error, status, endReason, isFinished }: Stream): SessionOutcome {
  if (isFinished) return INPUT_ENDED;
  if (status === "error") return failed(error?.kind ?? "internal");
  if (endReason === "idle") return NO_INPUT;
  // A release closes both channels at once; a client that ends closes its input alone.
  return endReason === null ? RELEASED : OPERATOR;
}

/** Kinds of failure after which the session is given back at once (live-runner.md 3.4). */
const RELEASED_AT_ONCE = ["output_lost", "engine_unavailable", "device_unavailable"];

/** Whether its client, which has not asked for this end, is given time to read how its session ended, or to stop it. */
export const isKept = ({ status, reason }: SessionOutcome): boolean =>
  status === "completed" || (status === "failed" && !RELEASED_AT_ONCE.includes(reason));

/** @param why a kind of error, or a word of ours */
function failed(why: string): SessionOutcome {
  return { status: "failed", reason: why };
}

/** Whether a session that was never called ended for want of a call. */
export const isWithoutCall = (outcome: SessionOutcome | null): boolean =>
  outcome === UNUSED || outcome === RELEASED;
