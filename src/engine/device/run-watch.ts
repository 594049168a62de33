/** Detects a hanging thread: one in which no run in progress ends within its time limit. */

interface Watched {
  readonly allowedMs: number;
  /** `performance.now()` by which it should have ended. */
  until: number;
}

/**
 * A thread may have several runs: one waits for another, or they take turns. It counts as hanging once every run has
 * passed its limit; whenever a run ends, the limits of the others start again.
 */
export class RunWatch {
  readonly #onHang: () => void;
  readonly #runs = new Set<Watched>();
  #timer: Timer | undefined;

  constructor(onHang: () => void) {
    this.#onHang = onHang;
  }

  /** Milliseconds until the thread counts as hanging; 0 without runs. */
  get leftMs(): number {
    const until = Math.max(0, ...[...this.#runs].map((run) => run.until));
    return Math.max(0, until - performance.now());
  }

  /** Watches a run until what is returned is disposed. */
  begin(allowedMs: number): Disposable {
    const run: Watched = { allowedMs, until: performance.now() + allowedMs };
    this.#runs.add(run);
    this.#arm();
    return {
      [Symbol.dispose]: () => {
        this.#runs.delete(run);
        const now = performance.now();
        for (const other of this.#runs) {
          other.until = Math.max(other.until, now + other.allowedMs);
        }
        this.#arm();
      },
    };
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#runs.size > 0) this.#timer = setTimeout(this.#onHang, this.leftMs);
  }
}
