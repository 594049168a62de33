/** Hides the reading side of trickle: preconnects, retries, jumps to the live edge (protocol.md 4.3). */

import { reason } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { pause } from "../../streams/pause.ts";
import type { TrickleEndpoint, TrickleResponse } from "./request.ts";
import { askSegment, type SegmentRequest } from "./segment-request.ts";

/** A piece of a segment as it came from the socket. */
export interface IncomingChunk {
  readonly seq: number;
  /** Empty in the chunk that ends a segment. */
  readonly data: Uint8Array;
  readonly first: boolean;
  /** Ends the segment. */
  readonly last: boolean;
  /** False in the `last` chunk of a segment that broke off. */
  readonly complete: boolean;
  /** `performance.now()` when it was read from the socket. */
  readonly arrivedAt: number;
}

export interface SubscribeOptions {
  /** Closes every socket at once; the stream errors with its reason. */
  readonly signal: AbortSignal;
  /** -2: the newest segment from its start; -1: the next one; else a number. Default -2. */
  readonly start?: number;
  /** More segments behind than this: jump to the newest. Default 2; Infinity to read all that the server still holds. */
  readonly maxLag?: number;
  /** A segment that is silent so long while a later one has begun is left. Default 2000. */
  readonly readTimeoutMs?: number;
  /** A waiting GET is sent anew so often, since a dead connection looks the same. Default 20000. */
  readonly refreshMs?: number;
  /**
   * A server that stops answering in the middle of a channel is tried for so long, since a restart takes
   * seconds; one that never answered, five times. Default 30000.
   */
  readonly giveUpMs?: number;
  /** The channel was there a moment ago: when it is not, it has ended. Default false. */
  readonly known?: boolean;
  /** Bytes that may wait for the consumer before reading stops. Default 16 MiB. */
  readonly queueBytes?: number;
}

const DEFAULTS = {
  start: -2,
  maxLag: 2,
  readTimeoutMs: 2000,
  refreshMs: 20_000,
  giveUpMs: 30_000,
  known: false,
  queueBytes: 16 * 1024 * 1024,
} as const;
const NOTHING = new Uint8Array(0);
/** A server keeps so many, or one fewer (protocol.md 4.2). */
const HELD_SEGMENTS = 5;
const BEHIND_WAIT_MS = 250;
const BEHIND_LIMIT_MS = 2000;
const log = getLogger("trickle");

/**
 * Reads a channel segment by segment. A quiet channel is waited for without limit. Ends when the other side
 * closed the channel or removed it; errors with `input_lost` when it never existed or cannot be reached.
 */
export function subscribe(
  endpoint: TrickleEndpoint,
  options: SubscribeOptions,
): ReadableStream<IncomingChunk> {
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
        new ChannelReader(endpoint, options, signal, emit).run().then(
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
    {
      highWaterMark: options.queueBytes ?? DEFAULTS.queueBytes,
      size: (chunk) => chunk?.data.byteLength ?? 0,
    },
  );
}

type Emit = (chunk: IncomingChunk) => Promise<void>;

/** The loop over segments: one is read while the next is already asked for. */
class ChannelReader {
  readonly #endpoint: TrickleEndpoint;
  readonly #options: Required<SubscribeOptions>;
  readonly #emit: Emit;
  #behindSince: number | undefined;
  #breaks = 0;
  /** The channel has answered: when it is gone after that, it has ended. */
  #met: boolean;

  constructor(
    endpoint: TrickleEndpoint,
    options: SubscribeOptions,
    signal: AbortSignal,
    emit: Emit,
  ) {
    this.#endpoint = endpoint;
    this.#options = { ...DEFAULTS, ...options, signal };
    this.#met = this.#options.known;
    this.#emit = emit;
  }

  /** Resolves at the channel's end. */
  async run(): Promise<void> {
    let request = this.#ask(this.#options.start);
    try {
      for (;;) {
        const asked = await request.answer;
        switch (asked.kind) {
          case "closed":
            return;
          case "gone":
            if (this.#met) return;
            throw asked.error;
          case "lost":
            throw asked.error;
          case "missing":
            this.#met = true;
            request = this.#ask(await this.#afterMissing(request.seq, asked.latest));
            break;
          case "segment":
            this.#met = true;
            request = await this.#segment(request.seq, asked.response);
            break;
          default:
            asked satisfies never;
        }
      }
    } finally {
      request.cancel();
    }
  }

  #ask(seq: number): SegmentRequest {
    const giveUpMs = this.#met ? this.#options.giveUpMs : 0;
    return askSegment(this.#endpoint, seq, { ...this.#options, giveUpMs });
  }

  /** Delivers one segment; returns the request to go on with. */
  async #segment(asked: number, response: TrickleResponse): Promise<SegmentRequest> {
    this.#behindSince = undefined;
    const seq = response.seq ?? Math.max(0, asked);
    const lag = (response.latest ?? seq) - seq;
    if (asked >= 0 && lag > this.#options.maxLag) {
      log.warn("too far behind, jumping to the newest segment", {
        channel: this.#endpoint.url,
        seq,
        lag,
      });
      response.discard();
      return this.#ask(-2);
    }
    const next = this.#ask(seq + 1);
    const outcome = await this.#copy(seq, response, next).catch((error: unknown) => {
      next.cancel();
      throw error;
    });
    if (outcome === "delivered" || ++this.#breaks >= 5) {
      if (outcome === "delivered") this.#breaks = 0;
      return next;
    }
    next.cancel();
    await pause(300 + Math.random() * 200, this.#options.signal);
    return this.#ask(seq);
  }

  async #copy(
    seq: number,
    response: TrickleResponse,
    next: SegmentRequest,
  ): Promise<"delivered" | "broke_unread"> {
    const { signal, readTimeoutMs } = this.#options;
    let first = true;
    let overtaken = false;
    let done = false;
    let overdue: NodeJS.Timeout | undefined;
    const watch = () => {
      if (overtaken && !done) overdue = setTimeout(() => response.discard(), readTimeoutMs);
    };
    void next.answer.then((asked) => {
      overtaken = asked.kind === "segment";
      watch();
    });
    let complete = true;
    try {
      for await (const data of response.chunks()) {
        clearTimeout(overdue);
        const arrivedAt = performance.now();
        await this.#emit({ seq, data, first, last: false, complete: true, arrivedAt });
        first = false;
        watch();
      }
    } catch (error) {
      signal.throwIfAborted();
      complete = false;
      log.warn("segment broke off", { channel: this.#endpoint.url, seq, error: reason(error) });
    } finally {
      done = true;
      clearTimeout(overdue);
    }
    if (first) return complete ? "delivered" : "broke_unread";
    const arrivedAt = performance.now();
    await this.#emit({ seq, data: NOTHING, first: false, last: true, complete, arrivedAt });
    return "delivered";
  }

  /** Where to go on after a 470 (protocol.md 4.3): forward at once, back only after waiting. */
  async #afterMissing(seq: number, latest: number | null): Promise<number> {
    if (latest !== null && latest > seq && seq >= 0) {
      const readsAll = this.#options.maxLag === Number.POSITIVE_INFINITY;
      return readsAll ? Math.max(seq + 1, latest - HELD_SEGMENTS) : latest;
    }
    this.#behindSince ??= performance.now();
    const waited = performance.now() - this.#behindSince;
    if (waited >= BEHIND_LIMIT_MS) {
      this.#behindSince = undefined;
      return latest ?? -1;
    }
    await pause(BEHIND_WAIT_MS, this.#options.signal);
    return seq;
  }
}
