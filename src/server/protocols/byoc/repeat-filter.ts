/** Hides how repeated failures are told once: a gateway that is told each of thousands hears nothing else. */

const WINDOW_MS = 60_000;
const MAX_IN_WINDOW = 20;

export class RepeatFilter {
  /** When each was told. */
  readonly #told = new Map<string, number>();

  /** True the first time in a minute, for at most 20 texts a minute. */
  isNew(text: string, now = performance.now()): boolean {
    for (const [old, at] of this.#told) if (now - at >= WINDOW_MS) this.#told.delete(old);
    if (this.#told.has(text) || this.#told.size >= MAX_IN_WINDOW) return false;
    this.#told.set(text, now);
    return true;
  }
}
