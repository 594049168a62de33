/** Decides whose frame runs next: so many lanes a device, one run a model at a time, streams by the device time they used. */

interface Waiting {
  readonly model: object;
  readonly enter: (leave: () => void) => void;
  readonly refuse: (error: unknown) => void;
}

/** A run under way. */
interface Run {
  /** The virtual time it began at. */
  readonly start: number;
  /** `now()` when it began. */
  readonly since: number;
  /** What the model's last run took; null for its first. */
  readonly expectedMs: number | null;
  /** Beside the lanes, not in one. */
  readonly beside: boolean;
}

/**
 * Device time that a stream may have in hand: it keeps what the gaps between its frames cost it, and one
 * that is new, or was away, comes this much ahead of the others at most.
 */
const CREDIT_MS = 500;

/** A run is short, to one under way, if it takes at most this share of it. */
const SHORT = 1 / 8;

/**
 * The lanes of one device, shared by start-time fair queueing (Goyal, Vin and Cheng, 1996): a key, which is a
 * stream's, has a virtual time that goes on by what each of its runs took, and a free lane goes to the key that is
 * furthest behind. The gate's own virtual time is that of the latest key let in; no key lies more than
 * `CREDIT_MS` behind it, so nobody is starved by a key that is new or by what was used long ago.
 *
 * A run cannot be interrupted, so short ones would wait for long ones however fair the turns are, and a stream
 * of 1 ms frames would get no more of them than its neighbour with a model of 300 ms. While every lane has a
 * long run, a short one is therefore let in beside them, as a device that takes time slices would do: if it
 * is short to each that is under way, and its key is behind them all, what they have run so far counted.
 */
export class DeviceGate {
  /** In the order they came, which decides between keys equally far. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #running = new Map<object, Run>();
  /** Virtual times; a key that is not here is as far behind as one may be. */
  readonly #times = new Map<string, number>();
  readonly #lastMs = new WeakMap<object, number>();
  readonly #lanes: number;
  readonly #now: () => number;
  #time = 0;
  #closed: unknown;

  /** `now` tells milliseconds: how long a run took is measured by it. */
  constructor(lanes: number, now: () => number = () => performance.now()) {
    this.#lanes = lanes;
    this.#now = now;
  }

  /**
   * Waits for a lane; call the result once, when the run is over: what lies between is charged to the key.
   * Rejects with the signal's reason, or with what the gate was closed with.
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
    while (this.#inLanes().length < this.#lanes) {
      const next = this.#furthestBehind(() => true);
      if (next === null) return;
      this.#run(next, false);
    }
    const next = this.#furthestBehind((waiting, key) => this.#mayRunBeside(waiting, key));
    if (next !== null) this.#run(next, true);
  }

  /** Of those whose model is free and who may. */
  #furthestBehind(may: (waiting: Waiting, key: string) => boolean) {
    let best: { readonly key: string; readonly waiting: Waiting; readonly start: number } | null =
      null;
    for (const [key, queue] of this.#waiting) {
      const start = this.#timeOf(key);
      if (best !== null && start >= best.start) continue;
      const waiting = queue.find((one) => !this.#running.has(one.model) && may(one, key));
      if (waiting !== undefined) best = { key, waiting, start };
    }
    return best;
  }

  #mayRunBeside({ model }: Waiting, key: string): boolean {
    const ms = this.#lastMs.get(model);
    if (ms === undefined) return false;
    const [start, now] = [this.#timeOf(key), this.#now()];
    return [...this.#running.values()].every(
      (run) => ms <= SHORT * (run.expectedMs ?? 0) && start <= run.start + (now - run.since),
    );
  }

  #run(
    { key, waiting, start }: { key: string; waiting: Waiting; start: number },
    beside: boolean,
  ): void {
    const { model, enter } = waiting;
    const since = this.#now();
    this.#remove(key, waiting);
    this.#running.set(model, { start, since, expectedMs: this.#lastMs.get(model) ?? null, beside });
    this.#times.set(key, start);
    this.#time = Math.max(this.#time, start);
    enter(() => {
      const ms = this.#now() - since;
      this.#running.delete(model);
      this.#lastMs.set(model, ms);
      this.#times.set(key, this.#timeOf(key) + ms);
      this.#forget();
      this.#admit();
    });
  }

  #timeOf(key: string): number {
    const earliest = this.#time - CREDIT_MS;
    return Math.max(this.#times.get(key) ?? earliest, earliest);
  }

  /** Keys as far behind as one may be are as good as new. */
  #forget(): void {
    for (const [key, time] of this.#times) {
      if (time <= this.#time - CREDIT_MS) this.#times.delete(key);
    }
  }

  #inLanes(): Run[] {
    return [...this.#running.values()].filter(({ beside }) => !beside);
  }

  #remove(key: string, waiting: Waiting): void {
    const queue = this.#waiting.get(key)?.filter((other) => other !== waiting) ?? [];
    if (queue.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, queue);
  }
}
