/** The one place where frames may be dropped: a slow reader gets the newest, the writer never waits. */

export interface NewestOptions<T> {
  /** How many items may wait; one more drops the oldest. */
  readonly capacity: number;
  /** True if an item has waited too long to be worth handing out. */
  readonly isStale?: (item: T) => boolean;
  /** Receives every item that is not handed out, at the end too. Its owner now: dispose it. */
  readonly onDrop: (item: T) => void;
}

/**
 * A writable that never applies back-pressure and a readable that hands out what waits, oldest first.
 * The end and an error overtake nothing: what waits is handed out before the end, dropped on an error.
 */
export function newest<T>(options: NewestOptions<T>): ReadableWritablePair<T, T> {
  const waiting: T[] = [];
  let ended = false;
  let wake: (() => void) | null = null;
  let reader: ReadableStreamDefaultController<T>;

  const dropAll = (): void => {
    for (const item of waiting.splice(0)) options.onDrop(item);
  };
  const settle = (): void => {
    wake?.();
    wake = null;
  };
  const readable = new ReadableStream<T>(
    {
      start: (controller) => {
        reader = controller;
      },
      async pull(controller) {
        for (;;) {
          while (waiting.length > 0) {
            const item = waiting.shift() as T;
            if (!options.isStale?.(item)) return controller.enqueue(item);
            options.onDrop(item);
          }
          if (ended) return controller.close();
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
      cancel(reason) {
        ended = true;
        dropAll();
        settle();
        upstream?.error(reason ?? new DOMException("reader left", "AbortError"));
      },
    },
    { highWaterMark: 0 },
  );
  let upstream: WritableStreamDefaultController | null = null;
  const writable = new WritableStream<T>({
    start: (controller) => {
      upstream = controller;
    },
    write(item) {
      if (ended) return options.onDrop(item);
      waiting.push(item);
      while (waiting.length > options.capacity) options.onDrop(waiting.shift() as T);
      settle();
    },
    close() {
      ended = true;
      settle();
    },
    abort(reason) {
      ended = true;
      dropAll();
      reader.error(reason);
      settle();
    },
  });
  return { readable, writable };
}
