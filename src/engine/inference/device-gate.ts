/** Decides whose frame runs next: so many lanes a device, one run a model at a time, streams by turns. */

interface Waiting {
  readonly model: object;
  readonly enter: (leave: () => void) => void;
  readonly refuse: (error: unknown) => void;
}

/** Lanes of one device. A key is a stream's; keys that wait are served in turn, whatever each has queued. */
export class DeviceGate {
  /** In turn: the key served last stands last. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #busy = new Set<object>();
  readonly #lanes: number;
  #closed: unknown;

  constructor(lanes: number) {
    this.#lanes = lanes;
  }

  /**
   * Waits for a lane; call the result once, when the run is over. Rejects with the signal's reason,
   * or with what the gate was closed with.
   */
  async enter(key: string, model: object, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const waiting: Waiting = { model, enter: resolve, refuse: reject };
    const queue = this.#waiting.get(key);
    if (queue === undefined) this.#waiting.set(key, [waiting]);
    else queue.push(waiting);
    const giveUp = () => {
      this.#remove(key, waiting);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#admit();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** Turns away all who wait and all who come; runs under way leave as usual. */
  close(error: Error): void {
    this.#closed = error;
    for (const { refuse } of [...this.#waiting.values()].flat()) refuse(error);
    this.#waiting.clear();
  }

  #admit(): void {
    for (const [key, queue] of this.#waiting) {
      if (this.#busy.size >= this.#lanes) return;
      const next = queue.find(({ model }) => !this.#busy.has(model));
      if (next === undefined) continue;
      this.#remove(key, next);
      const rest = this.#waiting.get(key);
      if (rest !== undefined) {
        this.#waiting.delete(key);
        this.#waiting.set(key, rest);
      }
      this.#busy.add(next.model);
      next.enter(() => {
        this.#busy.delete(next.model);
        this.#admit();
      });
    }
  }

  #remove(key: string, waiting: Waiting): void {
    const queue = this.#waiting.get(key)?.filter((other) => other !== waiting) ?? [];
    if (queue.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, queue);
  }
}
