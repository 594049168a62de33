/** A readable stream that is fed by calls instead of being pulled, for input that must be taken as it comes. */

export interface Pushable<T> {
  readonly readable: ReadableStream<T>;
  /** Items that wait to be read. */
  readonly waiting: number;
  /** Bytes of these items. */
  readonly waitingBytes: number;
  /** Returns false if nobody reads any more: the item was not taken. */
  push(item: T): boolean;
  /** What waits is still read, then the stream ends. */
  end(): void;
  /** The reader sees the error next; what waits is lost. */
  fail(reason: unknown): void;
}

/**
 * The queue has no limit of its own: whoever pushes checks `waiting` and `waitingBytes`. `bytesOf` gives the size of
 * an item.
 *
 * ```ts
 * const lines = pushable<string>((line) => line.length);
 * socket.onmessage = ({ data }) => lines.waitingBytes < LIMIT && lines.push(data);
 * socket.onclose = () => lines.end();
 * for await (const line of lines.readable) handle(line);
 * ```
 */
export function pushable<T>(bytesOf: (item: T) => number = () => 0): Pushable<T> {
  const queue: T[] = [];
  let bytes = 0;
  let controller!: ReadableStreamDefaultController<T>;
  let state: "open" | "ending" | "over" = "open";
  /** The reader waits, and this lets it go on. */
  let serve: (() => void) | null = null;
  const close = (): void => {
    state = "over";
    queue.length = 0;
    bytes = 0;
    serve?.();
    serve = null;
  };
  const readable = new ReadableStream<T>(
    {
      start: (given) => {
        controller = given;
      },
      pull() {
        const item = queue.shift();
        if (item !== undefined) {
          bytes -= bytesOf(item);
          controller.enqueue(item);
          if (state === "ending" && queue.length === 0) {
            controller.close();
            close();
          }
          return undefined;
        }
        return new Promise<void>((resolve) => {
          serve = resolve;
        });
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
  return {
    readable,
    get waiting() {
      return queue.length;
    },
    get waitingBytes() {
      return bytes;
    },
    push(item) {
      if (state !== "open") return false;
      if (serve) {
        controller.enqueue(item);
        serve();
        serve = null;
      } else {
        queue.push(item);
        bytes += bytesOf(item);
      }
      return true;
    },
    end() {
      if (state !== "open") return;
      state = "ending";
      if (queue.length > 0) return;
      controller.close();
      close();
    },
    fail(reason) {
      if (state !== "open") return;
      controller.error(reason);
      close();
    },
  };
}
