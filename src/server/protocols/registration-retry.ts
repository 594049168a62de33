/** When a registration with an orchestrator is tried again after a failure, whatever its protocol. */
import { pause } from "../../streams/pause.ts";

const FIRST_BACK_OFF_MS = 1000;
const LAST_BACK_OFF_MS = 30_000;
/** Interval of tries after a refusal: an operator has to correct a setting. */
export const REFUSED_MS = 60_000;

/** Clock; replaced in tests. */
export interface RetryTiming {
  /** Resolves after `ms`, or as soon as the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
}

export const REAL_RETRIES: RetryTiming = { wait: pause, random: Math.random };

/** Milliseconds until the next try after so many failures before this one: half a second to a second at first, half a minute at most. */
export function backOffMs(failures: number, { random }: Pick<RetryTiming, "random">): number {
  const longest = Math.min(LAST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** failures);
  return longest * (0.5 + random() / 2);
}
