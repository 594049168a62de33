/** Opens a channel for reading, as a stream of chunks. */
import { ChannelReader } from "./channel-reader.ts";
import type { TrickleEndpoint } from "./request.ts";
import type { IncomingChunk } from "./segment-copy.ts";

export interface SubscribeOptions {
  /** Closes every socket at once; the stream errors with its reason. */
  readonly signal: AbortSignal;
  /** -2: the newest segment from its start; -1: the next one; else a number. Default -2. */
  readonly start?: number;
  /** Further behind than this many segments: jump to the newest. Default 2. */
  readonly maxLag?: number;
  /** A segment that is silent for this long while a later one has begun is left. Default 2000. */
  readonly readTimeoutMs?: number;
  /** A waiting GET is replaced this often, since a dead connection looks the same. Default 5000. */
  readonly refreshMs?: number;
  /**
   * A server that stops answering in the middle of a channel is retried for this long, since a restart takes seconds; one
   * that never answered, five times. Default 30000.
   */
  readonly giveUpMs?: number;
  /** The channel existed a moment ago: if it does not, it has ended. Default false. */
  readonly known?: boolean;
  /** Bytes that may wait for the consumer before reading stops. Default 16 MiB. */
  readonly queueBytes?: number;
}

const DEFAULTS = {
  start: -2,
  maxLag: 2,
  readTimeoutMs: 2000,
  refreshMs: 5_000,
  giveUpMs: 30_000,
  known: false,
  queueBytes: 16 * 1024 * 1024,
} as const;

/**
 * Reads a channel segment by segment. A quiet channel is waited for without limit. The stream ends when the other side
 * closed or removed the channel; it errors with `input_lost` when the channel never existed or cannot be reached.
 *
 * @example
 * for await (const { seq, data, last } of subscribe({ url }, { signal })) {
 *   if (last) console.log(`segment ${seq} is complete`);
 *   else decoder.write(data);
 * }
 */
export function subscribe(
  endpoint: TrickleEndpoint,
  options: SubscribeOptions,
): ReadableStream<IncomingChunk> {
  const { queueBytes, ...readerOptions } = { ...DEFAULTS, ...options };
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let drained = Promise.withResolvers<void>();
  return new ReadableStream<IncomingChunk>(
    {
      start(controller) {
        const emit = async (chunk: IncomingChunk): Promise<void> => {
          signal.throwIfAborted();
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) > 0) return;
          drained = Promise.withResolvers<void>();
          await drained.promise;
        };
        const fail = (error: unknown) => {
          drained.resolve();
          if (!stop.signal.aborted) controller.error(error);
        };
        signal.addEventListener("abort", () => fail(signal.reason), { once: true });
        new ChannelReader(endpoint, { ...readerOptions, signal, emit }).run().then(
          () => signal.aborted || controller.close(),
          (error: unknown) => signal.aborted || fail(error),
        );
      },
      pull: () => drained.resolve(),
      cancel(why) {
        stop.abort(why ?? new DOMException("subscriber left", "AbortError"));
        drained.resolve();
      },
    },
    { highWaterMark: queueBytes, size: (chunk) => chunk?.data.byteLength ?? 0 },
  );
}
