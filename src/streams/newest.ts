/** The one place where frames may be dropped: a slow reader gets the newest, the writer waits only for what is early. */

export interface NewestOptions<T> {
  /** How many items may wait that are due; one more drops the oldest. */
  readonly capacity: number;
  /**
   * `performance.now()` at which an item is due; rises from item to item. Before that it waits without
   * being dropped, so that a burst is not taken for a reader that is slow. Default: at once.
   */
  readonly dueAt?: (item: T) => number;
  /** Items that may wait before they are due; more make the writer wait. Default 8. */
  readonly early?: number;
  /** An item this long past `dueAt` is dropped when its turn comes. Default: never. */
  readonly maxLateMs?: number;
  /** Receives every item that is not handed out, at the end too. Its owner now: dispose it. */
  readonly onDrop: (item: T) => void;
}

/**
 * The readable hands out what waits, oldest first, early or not. What waits is handed out before the end,
 * and dropped on an error.
 */
export function newest<T>(options: NewestOptions<T>): ReadableWritablePair<T, T> {
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
      if (ended) return options.onDrop(item);
      queue.put(item);
      while (!ended && queue.full) await queue.change(queue.nextDue);
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
  return { readable, writable };
}

class NewestQueue<T> {
  readonly #items: T[] = [];
  readonly #options: Required<NewestOptions<T>>;
  readonly #waiters = new Set<() => void>();

  constructor(options: NewestOptions<T>) {
    this.#options = {
      dueAt: () => Number.NEGATIVE_INFINITY,
      early: 8,
      maxLateMs: Number.POSITIVE_INFINITY,
      ...options,
    };
  }

  /** True while as many wait as may, the oldest due ones having made room. */
  get full(): boolean {
    this.#makeRoom();
    return this.#items.length >= this.#options.capacity + this.#options.early;
  }

  /** When the next item becomes due that is not yet. */
  get nextDue(): number | undefined {
    const now = performance.now();
    return this.#items.map(this.#options.dueAt).find((due) => due > now);
  }

  put(item: T): void {
    this.#items.push(item);
    this.#makeRoom();
    this.wake();
  }

  /** The oldest that is not too late. */
  take(): T | undefined {
    this.#makeRoom();
    const { dueAt, maxLateMs, onDrop } = this.#options;
    const now = performance.now();
    for (;;) {
      const item = this.#items.shift();
      if (item === undefined) return undefined;
      this.wake();
      if (now - dueAt(item) <= maxLateMs) return item;
      onDrop(item);
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
    for (const item of this.#items.splice(0)) this.#options.onDrop(item);
    this.wake();
  }

  #makeRoom(): void {
    const { capacity, dueAt, onDrop } = this.#options;
    const now = performance.now();
    let due = 0;
    for (const item of this.#items) if (dueAt(item) <= now) due++;
    for (; due > capacity; due--) onDrop(this.#items.shift() as T);
  }
}
