/** Decides whose frame runs next: a number of lanes per device, one run per model at a time, streams by the device time they used. */

interface Waiting {
  readonly model: object;
  /** For the model's first run. */
  readonly expectedMs: number | undefined;
  readonly enter: (leave: () => void) => void;
  readonly refuse: (error: unknown) => void;
}

/** Whether a run takes up a lane, or was let in beside them. */
type Place = "lane" | "beside";

/** A run in progress. */
interface Run {
  /** The gate's virtual time at which it began. */
  readonly start: number;
  /** `now()` when it began. */
  readonly since: number;
  /** Duration of the model's last run; for its first what was expected, or null. */
  readonly expectedMs: number | null;
  readonly place: Place;
}

/** A run that takes longer than this, and than `OVERDUE` times what is expected, holds its lane no longer. */
const OVERDUE_MS = 250;
const FIRST_RUN_OVERDUE_MS = 1000;
const OVERDUE = 4;

/**
 * Device time that a stream may have in credit. It keeps the time that passes between its frames, and a stream that is
 * new or was idle gets at most this much ahead of the others.
 */
const CREDIT_MS = 500;

/**
 * What a run is expected to take grows at most by this factor from run to run. On a busy machine single runs take many
 * times as long, and a short model that was taken for a long one would wait for long ones.
 */
const GROWTH = 1.25;

/** A run is short, compared with one in progress, if it takes at most this share of it. */
const SHORT = 1 / 8;

/**
 * The lanes of one device, shared by start-time fair queueing (Goyal, Vin and Cheng, 1996). Each key, which stands for
 * a stream, has a virtual time that advances by the duration of its runs; a free lane goes to the key that is furthest
 * behind. The gate's own virtual time is that of the latest key let in. No key lies more than `CREDIT_MS` behind it, so
 * that neither a new key nor one that was idle for long starves the others.
 *
 * A run cannot be interrupted. Two rules keep long ones from blocking short ones. While every lane has a long run, a
 * short one is let in beside them, as a device with time slices would do, if it is short compared with each run in
 * progress and its key is behind them all, counting what they have run so far. And a run that takes much longer than
 * expected gives up its lane, so that one which never ends does not stop the device.
 *
 * @example
 * const leave = await gate.enter(streamId, worker, signal);
 * try { await run(); } finally { leave(); }
 */
export class DeviceGate {
  /** In order of arrival, which decides between keys that are equally far behind. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #running = new Map<object, Run>();
  /** Virtual times; a key that is absent is as far behind as allowed. */
  readonly #times = new Map<string, number>();
  /** Duration of each model's last run, or less: see `GROWTH`. */
  readonly #lastMs = new WeakMap<object, number>();
  readonly #lanes: number;
  readonly #now: () => number;
  #time = 0;
  #closed: unknown;
  #overdueTimer: Timer | undefined;

  /** `now` returns milliseconds; runs are measured by it. */
  constructor(lanes: number, now: () => number = () => performance.now()) {
    this.#lanes = lanes;
    this.#now = now;
  }

  /**
   * Waits for a lane. `expectedMs` is how long the model's first run should take. Call the result once, when the run is
   * over: the time in between is charged to the key. Rejects with the signal's reason, or with the error that the gate
   * was closed or the model abandoned with.
   */
  async enter(
    key: string,
    model: object,
    signal?: AbortSignal,
    expectedMs?: number,
  ): Promise<() => void> {
    signal?.throwIfAborted();
    this.throwIfClosed();
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const waiting: Waiting = { model, expectedMs, enter: resolve, refuse: reject };
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

  /** Rejects everything that waits or arrives; runs in progress leave as usual. */
  close(error: Error): void {
    this.#closed = error;
    clearTimeout(this.#overdueTimer);
    for (const { refuse } of [...this.#waiting.values()].flat()) refuse(error);
    this.#waiting.clear();
  }

  /** Throws the error that the gate was closed with. */
  throwIfClosed(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  /** Rejects everything that waits for this model: its run in progress hangs. */
  abandon(model: object, error: Error): void {
    for (const [key, queue] of [...this.#waiting]) {
      for (const waiting of queue.filter((one) => one.model === model)) {
        this.#remove(key, waiting);
        waiting.refuse(error);
      }
    }
  }

  #admit(): void {
    // One point in time for both: a run that became overdue in between would be waited for with no timer set.
    const now = this.#now();
    this.#fillLanes(now);
    clearTimeout(this.#overdueTimer);
    const inLanes = this.#inLanes(now);
    if (this.#waiting.size === 0 || inLanes.length < this.#lanes) return;
    const next = Math.min(...inLanes.map((run) => run.since + overdueMs(run)));
    this.#overdueTimer = setTimeout(() => this.#admit(), Math.max(1, next - now));
  }

  #fillLanes(now: number): void {
    while (this.#inLanes(now).length < this.#lanes) {
      const next = this.#furthestBehind(() => true);
      if (next === null) return;
      this.#run(next, "lane");
    }
    const next = this.#furthestBehind((waiting, key) => this.#mayRunBeside(waiting, key));
    if (next !== null) this.#run(next, "beside");
  }

  /** Among those whose model is free and that `may` allows. */
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

  #mayRunBeside(waiting: Waiting, key: string): boolean {
    const ms = this.#expectedMs(waiting);
    if (ms === undefined) return false;
    const [start, now] = [this.#timeOf(key), this.#now()];
    return [...this.#running.values()].every(
      (run) => ms <= SHORT * (run.expectedMs ?? 0) && start <= run.start + (now - run.since),
    );
  }

  #run(
    { key, waiting, start }: { key: string; waiting: Waiting; start: number },
    place: Place,
  ): void {
    const { model, enter } = waiting;
    const since = this.#now();
    this.#remove(key, waiting);
    const expectedMs = this.#expectedMs(waiting) ?? null;
    this.#times.set(key, start);
    this.#time = Math.max(this.#time, start);
    // Credit brings a key's turn forward; it does not keep short runs out while a long one lasts.
    this.#running.set(model, { start: this.#time, since, expectedMs, place });
    enter(() => {
      const ms = this.#now() - since;
      this.#running.delete(model);
      this.#lastMs.set(model, Math.min(ms, GROWTH * (this.#lastMs.get(model) ?? ms)));
      this.#times.set(key, this.#timeOf(key) + ms);
      this.#forget();
      this.#admit();
    });
  }

  #expectedMs({ model, expectedMs }: Waiting): number | undefined {
    return this.#lastMs.get(model) ?? expectedMs;
  }

  #timeOf(key: string): number {
    const earliest = this.#time - CREDIT_MS;
    return Math.max(this.#times.get(key) ?? earliest, earliest);
  }

  /** A key that is as far behind as allowed is as good as a new one. */
  #forget(): void {
    for (const [key, time] of this.#times) {
      if (time <= this.#time - CREDIT_MS) this.#times.delete(key);
    }
  }

  /** The runs that hold a lane at `now`. */
  #inLanes(now: number): Run[] {
    return [...this.#running.values()].filter(
      (run) => run.place === "lane" && now - run.since < overdueMs(run),
    );
  }

  #remove(key: string, waiting: Waiting): void {
    const queue = this.#waiting.get(key)?.filter((other) => other !== waiting) ?? [];
    if (queue.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, queue);
  }
}

const overdueMs = ({ expectedMs }: Run): number =>
  expectedMs === null ? FIRST_RUN_OVERDUE_MS : Math.max(OVERDUE_MS, OVERDUE * expectedMs);
