/** Declares the outcomes of sessions, and derives one from the end of a stream (live-runner.md 3.4, 4.3). */
import type { Stream } from "../../../streams/stream.ts";

export interface SessionOutcome {
  readonly status: "completed" | "stopped" | "expired" | "failed";
  /** The caller's words for a stop, else a word of ours. */
  readonly reason: string;
}

/** The client has closed its input channel. */
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
export function outcomeOf({ error, status, endReason }: Stream): SessionOutcome {
  if (status === "error") return failed(error?.kind ?? "internal");
  if (endReason === "idle") return NO_INPUT;
  return endReason === null ? INPUT_ENDED : OPERATOR;
}

/** @param why a kind of error, or a word of ours */
function failed(why: string): SessionOutcome {
  return { status: "failed", reason: why };
}

/** Whether a session that was never called ended for want of a call. */
export const isWithoutCall = (outcome: SessionOutcome | null): boolean =>
  outcome === UNUSED || outcome === RELEASED;
