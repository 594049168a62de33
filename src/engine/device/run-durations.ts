/** Predicts how long runs take, from earlier runs of the same runner with as many items. */

/**
 * What a run is expected to take grows at most by this factor from run to run. On a busy machine single runs take many
 * times as long, and a short model that was taken for a long one would wait for long ones.
 */
const GROWTH = 1.25;

export class RunDurations {
  /** By runner and number of items: duration of the last run, or less (see `GROWTH`). */
  readonly #known = new WeakMap<object, Map<number, number>>();

  /**
   * Milliseconds that a run of this many items should take; undefined before the runner's first run. A size that never
   * ran is taken for as long as the next larger one, or as long as its items would take in smaller batches: both are
   * upper bounds.
   */
  expected(runner: object, items: number): number | undefined {
    const known = this.#known.get(runner);
    if (known === undefined) return undefined;
    const exact = known.get(items);
    if (exact !== undefined) return exact;
    const sizes = [...known.keys()];
    const larger = Math.min(...sizes.filter((size) => size > items));
    if (larger !== Number.POSITIVE_INFINITY) return known.get(larger);
    const smaller = Math.max(...sizes);
    return ((known.get(smaller) ?? 0) * items) / smaller;
  }

  learn(runner: object, items: number, ms: number): void {
    const known = this.#known.get(runner) ?? new Map<number, number>();
    this.#known.set(runner, known);
    known.set(items, Math.min(ms, GROWTH * (known.get(items) ?? ms)));
  }
}
