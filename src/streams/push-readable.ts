/** A readable that is fed by calls instead of being asked, for input that must be taken as fast as it comes. */

export interface Pushable<T> {
  readonly readable: ReadableStream<T>;
  /** Items that wait to be read. */
  readonly waiting: number;
  /** False if nobody reads any more: the item was not taken. */
  push(item: T): boolean;
  /** What waits is still read, then the stream ends. */
  end(): void;
  /** The reader sees the error next; what waits is lost. */
  fail(reason: unknown): void;
}

/** The queue is unbounded: whoever pushes looks at `waiting`. */
export function pushable<T>(): Pushable<T> {
  let controller!: ReadableStreamDefaultController<T>;
  let open = true;
  const readable = new ReadableStream<T>(
    {
      start: (given) => {
        controller = given;
      },
      cancel: () => {
        open = false;
      },
    },
    { highWaterMark: 0 },
  );
  return {
    readable,
    get waiting() {
      return open ? 0 - (controller.desiredSize ?? 0) : 0;
    },
    push(item) {
      if (open) controller.enqueue(item);
      return open;
    },
    end() {
      if (open) controller.close();
      open = false;
    },
    fail(reason) {
      if (open) controller.error(reason);
      open = false;
    },
  };
}
