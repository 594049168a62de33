/** Keeps ended streams readable for a while: the most recent thousand, each for a limited time. */
import type { Stream } from "./stream.ts";

const MAX_STREAMS = 1000;

export class StreamHistory {
  readonly #maxAgeMs: number;
  /** In the order in which they ended. */
  readonly #streams = new Map<string, Stream>();

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** Replaces an older stream of the same id. */
  add(stream: Stream): void {
    this.#streams.delete(stream.id);
    this.#streams.set(stream.id, stream);
    this.#expire();
  }

  get(id: string): Stream | undefined {
    this.#expire();
    return this.#streams.get(id);
  }

  /** The streams in the order in which they ended. */
  all(): readonly Stream[] {
    this.#expire();
    return [...this.#streams.values()];
  }

  #expire(): void {
    const oldest = Date.now() - this.#maxAgeMs;
    for (const [id, { endedAt }] of this.#streams) {
      if ((endedAt ?? 0) > oldest && this.#streams.size <= MAX_STREAMS) return;
      this.#streams.delete(id);
    }
  }
}
