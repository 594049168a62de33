/** Predicts how long runs take and what batches save, from earlier runs of the same runner. */

/**
 * What a run is expected to take grows at most by this factor from run to run. On a busy machine single runs take many
 * times as long, and a short model that was taken for a long one would wait for long ones.
 */
const GROWTH = 1.25;

/** Weight of the newest run in the mean. */
const NEWEST = 0.25;
/** A run counts in the mean as this many times the mean at most. */
const MOST = 2;

interface Durations {
  /** Of the last run, or less: see `GROWTH`. */
  readonly lastMs: number;
  readonly meanMs: number;
}

export class RunDurations {
  /** By runner and number of items. */
  readonly #known = new WeakMap<object, Map<number, Durations>>();

  /**
   * Milliseconds that a run of this many items should take; undefined before the runner's first run. A size that never
   * ran is taken for as long as the next larger one, or as long as its items would take in smaller batches: both are
   * upper bounds.
   */
  expected(runner: object, items: number): number | undefined {
    const known = this.#known.get(runner);
    if (known === undefined) return undefined;
    const exact = known.get(items);
    if (exact !== undefined) return exact.lastMs;
    const sizes = [...known.keys()];
    const larger = Math.min(...sizes.filter((size) => size >= items));
    if (larger !== Number.POSITIVE_INFINITY) return known.get(larger)?.lastMs;
    const smaller = Math.max(...sizes);
    return ((known.get(smaller)?.lastMs ?? 0) * items) / smaller;
  }

  /**
   * Milliseconds that one run saves against two with as many items together: the part of a run's time that does not
   * depend on its items. That is where the line through the smallest and the largest size meets zero items. While only
   * one size has run, all of its time may be saved, since it is worth a try.
   */
  savedMs(runner: object): number {
    const sizes = [...(this.#known.get(runner) ?? [])].sort(([a], [b]) => a - b);
    const [smallest, largest] = [sizes[0], sizes.at(-1)];
    if (smallest === undefined || largest === undefined) return 0;
    const [[few, { meanMs: fewMs }], [many, { meanMs: manyMs }]] = [smallest, largest];
    if (few === many) return fewMs;
    return Math.max(0, fewMs - (few * (manyMs - fewMs)) / (many - few));
  }

  /** Records how long a run took. */
  learn(runner: object, items: number, ms: number): void {
    const known = this.#known.get(runner) ?? new Map<number, Durations>();
    this.#known.set(runner, known);
    const { lastMs, meanMs } = known.get(items) ?? { lastMs: ms, meanMs: ms };
    known.set(items, {
      lastMs: Math.min(ms, GROWTH * lastMs),
      meanMs: meanMs + NEWEST * (Math.min(ms, MOST * meanMs) - meanMs),
    });
  }
}
