/** Estimates how far the server's clock is ahead of this machine's, from answers that carry the server's time. */

export interface ClockEstimate {
  /** Milliseconds to add to `Date.now()` for the server's time. */
  readonly ahead: number;
  /** Half the time that the answer took: the estimate may be wrong by as much. */
  readonly error: number;
}

/** All in milliseconds since 1970. */
interface TimedAnswer {
  readonly sent: number;
  readonly answered: number;
  readonly server: number;
}

/** Clocks that agree as far as can be told count as the same clock. */
export function clockEstimate({ sent, answered, server }: TimedAnswer): ClockEstimate {
  const error = (answered - sent) / 2 + 1; // both count whole milliseconds
  const ahead = server - (sent + answered) / 2;
  return { ahead: Math.abs(ahead) <= error ? 0 : ahead, error };
}

export const betterClock = (one: ClockEstimate | null, other: ClockEstimate): ClockEstimate =>
  one === null || other.error <= one.error ? other : one;
