/** Filters repeated error texts, so that thousands of failures do not crowd out a stream's other events. */

const WINDOW_MS = 60_000;
const MAX_IN_WINDOW = 20;

export class RepeatFilter {
  /** When each text last passed. */
  readonly #passed = new Map<string, number>();

  /** True the first time in a minute, for at most 20 texts a minute. `now` is in milliseconds. */
  isNew(text: string, now = performance.now()): boolean {
    for (const [old, at] of this.#passed) if (now - at >= WINDOW_MS) this.#passed.delete(old);
    if (this.#passed.has(text) || this.#passed.size >= MAX_IN_WINDOW) return false;
    this.#passed.set(text, now);
    return true;
  }
}
