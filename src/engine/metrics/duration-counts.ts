/** Counts durations by bucket. Recording one allocates nothing. */
import { DURATION_BOUNDS_MS, type Durations } from "../protocol/metrics.ts";

export class DurationCounts {
  readonly #counts = new Uint32Array(DURATION_BOUNDS_MS.length + 1);
  #sumMs = 0;

  record(ms: number): void {
    let bucket = 0;
    while (ms > (DURATION_BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += ms;
  }

  /** What has been recorded since the last call; null if nothing has. */
  take(): Durations | null {
    const counts = [...this.#counts];
    if (counts.every((count) => count === 0)) return null;
    const taken = { counts, sum_ms: this.#sumMs };
    this.#counts.fill(0);
    this.#sumMs = 0;
    return taken;
  }
}
