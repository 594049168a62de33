/** A queue between two stages that drops old items when the reader is slow: the reader always gets the newest. */

export interface NewestOptions<T> {
  /** How many due items may wait; one more drops the oldest. */
  readonly capacity: number;
  /**
   * `performance.now()` at which an item is due; rises from item to item. Items that are not due yet are not
   * dropped, so that a burst is not mistaken for a slow reader. Default: at once.
   */
  readonly dueAt?: (item: T) => number;
  /** How many items may wait before they are due; more make the writer wait. Default 8. */
  readonly early?: number;
  /** An item this many milliseconds past `dueAt` is dropped when its turn comes. Default: never. */
  readonly maxLateMs?: number;
  /** Bytes that an item occupies. Default: 0. */
  readonly bytesOf?: (item: T) => number;
  /** Bytes that may wait, one item at least: due items are dropped, others make the writer wait. Default: any number. */
  readonly maxBytes?: number;
  /** Awaited before each item is handed out: what is handed out then is the newest. Default: at once. */
  readonly ready?: () => Promise<void>;
  /** Receives every item that is not handed out, also at the end, and why. It owns the item: dispose it. */
  readonly onDrop: (item: T, why: DropReason) => void;
}

/** A newer item came while it waited, its turn came too late, or the reader or the input ended. */
export type DropReason = "overtaken" | "late" | "ended";

/** The two ends of the queue. */
export interface Newest<T> extends ReadableWritablePair<T, T> {
  /** Number of items that wait. */
  readonly waiting: number;
}

/**
 * The readable hands out what waits, oldest first, due or not. The writable takes items without waiting, except for
 * ones that are early. At the end of the input what waits is still handed out; an error drops it.
 *
 * ```ts
 * frames.pipeThrough(newest({ capacity: 1, onDrop: (frame) => frame[Symbol.dispose]() })).pipeThrough(slowStage);
 * ```
 */
export function newest<T>(options: NewestOptions<T>): Newest<T> {
  const queue = new NewestQueue(options);
  let ended = false;
  let source: WritableStreamDefaultController | null = null;
  let sink: ReadableStreamDefaultController<T> | null = null;
  const readable = new ReadableStream<T>(
    {
      start: (controller) => {
        sink = controller;
      },
      async pull(controller) {
        for (;;) {
          if (!queue.isEmpty) await options.ready?.();
          const item = queue.take();
          if (item !== undefined) return controller.enqueue(item);
          if (ended) return controller.close();
          await queue.change();
        }
      },
      cancel(reason) {
        ended = true;
        queue.clear();
        source?.error(reason ?? new DOMException("reader left", "AbortError"));
      },
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<T>({
    start: (controller) => {
      source = controller;
    },
    async write(item) {
      if (ended) return options.onDrop(item, "ended");
      queue.put(item);
      // One reading of the clock for both: an item that became due in between would be waited for without an end.
      for (let now = performance.now(); !ended && queue.isFullAt(now); now = performance.now())
        await queue.change(queue.nextDueAfter(now));
    },
    close() {
      ended = true;
      queue.wake();
    },
    abort(reason) {
      ended = true;
      sink?.error(reason);
      queue.clear();
    },
  });
  return {
    readable,
    writable,
    get waiting() {
      return queue.size;
    },
  };
}

type Resolved<T> = Required<Omit<NewestOptions<T>, "ready">>;

class NewestQueue<T> {
  readonly #items: T[] = [];
  readonly #options: Resolved<T>;
  readonly #waiters = new Set<() => void>();
  #bytes = 0;

  constructor(options: NewestOptions<T>) {
    this.#options = {
      dueAt: () => Number.NEGATIVE_INFINITY,
      early: 8,
      maxLateMs: Number.POSITIVE_INFINITY,
      bytesOf: () => 0,
      maxBytes: Number.POSITIVE_INFINITY,
      ...options,
    };
  }

  get size(): number {
    return this.#items.length;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** True while the writer is to wait for early items: due ones make room by being dropped. */
  isFullAt(now: number): boolean {
    this.#makeRoom(now);
    const { capacity, early, maxBytes } = this.#options;
    if (this.#items.length >= capacity + early) return true;
    return this.#bytes > maxBytes && this.nextDueAfter(now) !== undefined;
  }

  /** When the next item becomes due. */
  nextDueAfter(now: number): number | undefined {
    return this.#items.map(this.#options.dueAt).find((due) => due > now);
  }

  put(item: T): void {
    this.#items.push(item);
    this.#bytes += this.#options.bytesOf(item);
    this.#makeRoom();
    this.wake();
  }

  /** The oldest item that is not too late. */
  take(): T | undefined {
    this.#makeRoom();
    const { dueAt, maxLateMs, onDrop } = this.#options;
    const now = performance.now();
    for (;;) {
      const item = this.#shift();
      if (item === undefined) return undefined;
      this.wake();
      if (now - dueAt(item) <= maxLateMs) return item;
      onDrop(item, "late");
    }
  }

  /** Resolves at the next change, or at `until`. */
  change(until?: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const done = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        resolve();
      };
      this.#waiters.add(done);
      if (until !== undefined) timer = setTimeout(done, Math.max(0, until - performance.now()));
    });
  }

  wake(): void {
    for (const done of [...this.#waiters]) done();
  }

  clear(): void {
    this.#bytes = 0;
    for (const item of this.#items.splice(0)) this.#options.onDrop(item, "ended");
    this.wake();
  }

  #makeRoom(now = performance.now()): void {
    const { capacity, dueAt, maxBytes, onDrop } = this.#options;
    let due = 0;
    for (const item of this.#items) if (dueAt(item) <= now) due++;
    for (; due > capacity || (due > 1 && this.#bytes > maxBytes); due--) {
      onDrop(this.#shift() as T, "overtaken");
    }
  }

  #shift(): T | undefined {
    const item = this.#items.shift();
    if (item !== undefined) this.#bytes -= this.#options.bytesOf(item);
    return item;
  }
}
