/** Finds the pauses in the times at which frames arrived. */

/** A longer pause between two frames counts as a gap. */
export const GAP_MS = 500;

/** The longest time without an arrival after `since`, until `now`; a pause that began before counts from `since`. */
export function longestPause(arrivals: readonly number[], since: number, now: number): number {
  return Math.max(0, ...pausesOf(arrivals, since, now));
}

/** Pauses of more than `GAP_MS` after `since`, until `now`. */
export const gapsOf = (arrivals: readonly number[], since: number, now: number): number[] =>
  pausesOf(arrivals, since, now)
    .filter((pause) => pause > GAP_MS)
    .map(Math.round);

function pausesOf(arrivals: readonly number[], since: number, now: number): number[] {
  const later = arrivals.filter((at) => at > since);
  const times = [since, ...later, Math.max(now, since)];
  return times.slice(1).map((at, index) => at - (times[index] ?? at));
}
