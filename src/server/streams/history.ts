/** Keeps ended streams readable for a while: the most recent thousand, each for a limited time. */
import type { Stream } from "./stream.ts";

const MAX_STREAMS = 1000;

interface Ended {
  readonly stream: Stream;
  /** `performance.now()` at its end. */
  readonly at: number;
}

export class StreamHistory {
  readonly #maxAgeMs: number;
  /** In the order in which they ended. */
  readonly #streams = new Map<string, Ended>();

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** Replaces an older stream of the same id. */
  add(stream: Stream): void {
    this.#streams.delete(stream.id);
    this.#streams.set(stream.id, { stream, at: performance.now() });
    this.#expire();
  }

  get(id: string): Stream | undefined {
    this.#expire();
    return this.#streams.get(id)?.stream;
  }

  /** The streams in the order in which they ended. */
  all(): readonly Stream[] {
    this.#expire();
    return [...this.#streams.values()].map(({ stream }) => stream);
  }

  #expire(): void {
    const oldest = performance.now() - this.#maxAgeMs;
    for (const [id, { at }] of this.#streams) {
      if (at > oldest && this.#streams.size <= MAX_STREAMS) return;
      this.#streams.delete(id);
    }
  }
}
