/** Summarises how old the pictures of the last second were when they were shown. */

interface Reading {
  readonly at: number;
  readonly age: number;
}

const WINDOW_MS = 1000;

export class DelayMeter {
  #readings: Reading[] = [];

  /** `at` is when the picture was shown, by any clock that does not jump; both in milliseconds. */
  add(reading: Reading): void {
    this.#readings = [...this.#recent(reading.at), reading];
  }

  /** The median age in milliseconds; null if no picture of the last second could be read. */
  median(at: number): number | null {
    const ages = this.#recent(at).map(({ age }) => age);
    return ages.sort((a, b) => a - b)[Math.floor(ages.length / 2)] ?? null;
  }

  #recent(now: number): Reading[] {
    return this.#readings.filter(({ at }) => now - at < WINDOW_MS);
  }
}
