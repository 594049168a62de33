/** Returns the RunnerError that a call throws. */
import { RunnerError } from "../../../../../../src/server/protocols/live-runner/app/runner-errors.ts";

export function refusalOf(call: () => unknown): RunnerError {
  try {
    call();
  } catch (error) {
    if (error instanceof RunnerError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}
