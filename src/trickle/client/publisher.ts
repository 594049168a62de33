/** Hides the publishing side of trickle (protocol.md 4.6): where segments begin, and which are skipped. */
import { reason, WorkerError } from "../../errors.ts";
import { createChannel, deleteChannel, nextSeq } from "./channel-requests.ts";
import type { TrickleEndpoint } from "./request.ts";
import type { SegmentPost } from "./segment-post.ts";
import {
  type PublisherEnd,
  type SegmentPostLimits,
  SegmentPostQueue,
} from "./segment-post-queue.ts";

/** A piece of a segment. A subtype may carry more. */
export interface OutgoingChunk {
  /** Handed to the socket as it is: not to be changed after the write. */
  readonly data: Uint8Array;
  /** Begins a new segment; the one before ends. */
  readonly first: boolean;
  /** Ends its segment at once, not only when the next one begins. */
  readonly last?: boolean;
}

export interface PublisherOptions {
  readonly contentType: string;
  /** Create the channel first. */
  readonly create?: boolean;
  /** Take a channel over from a publisher that died: it exists, `create` is ignored. */
  readonly resume?: boolean;
  /** Acts as `abort()`. */
  readonly signal: AbortSignal;
  /** For creating the channel and asking where to start, together. Default 2000. */
  readonly acceptTimeoutMs?: number;
  /** A segment has begun to leave under this number. */
  readonly onSegment?: (info: { readonly seq: number }) => void;
  readonly limits?: Partial<PublisherLimits>;
}

export interface PublisherLimits extends SegmentPostLimits {
  /** `close()` waits so long for the last answers. */
  readonly closeMs: number;
  /** How long a new segment may wait for the answer to the last but one before it is skipped. */
  readonly slotMs: number;
}

const LIMITS: PublisherLimits = {
  stallMs: 10_000,
  giveUpMs: 30_000,
  closeMs: 2_000,
  slotMs: 200,
  queueBytes: 4 * 1024 * 1024,
};

/** What has been published so far. */
export interface PublisherStats {
  readonly segments: number;
  /** Left out or cut short because the peer stalled. */
  readonly segmentsSkipped: number;
  /** Handed to sockets. */
  readonly bytes: number;
}

/**
 * Publishes segments to one channel. Writing never waits for the network longer than `slotMs`: while the peer
 * stalls whole segments are skipped, counted, and writing resumes at the next `first` chunk.
 */
export class TricklePublisher {
  /**
   * A write resolves when its bytes are in the socket's queue (or skipped). Closing it is `close()`, aborting
   * it `abort()`. Errors with `output_lost` when the channel is gone; `ended` says whose doing it was.
   */
  readonly writable: WritableStream<OutgoingChunk>;
  /** How it ended. Never rejects. */
  readonly ended: Promise<PublisherEnd>;
  readonly #endpoint: TrickleEndpoint;
  readonly #options: PublisherOptions;
  readonly #limits: PublisherLimits;
  readonly #line: SegmentPostQueue;
  readonly #stats = { segments: 0, segmentsSkipped: 0, bytes: 0 };
  /** Being written; absent while a segment is skipped. */
  #current: SegmentPost | undefined;
  #skipping = false;

  /**
   * Makes sure that the channel takes us, learns where to start and connects the first segment.
   * Throws `channel_refused` with what the peer answered, or the signal's reason.
   */
  static async open(
    endpoint: TrickleEndpoint,
    options: PublisherOptions,
  ): Promise<TricklePublisher> {
    const timeoutMs = options.acceptTimeoutMs ?? 2000;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([options.signal, timeout]);
    try {
      if (options.create && !options.resume) {
        await createChannel(endpoint, options.contentType, signal);
      }
      return new TricklePublisher(endpoint, options, await nextSeq(endpoint, signal));
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof WorkerError) throw error;
      const why = timeout.aborted ? `no answer within ${timeoutMs} ms` : reason(error);
      const message = `channel ${endpoint.url} is not usable: ${why}`;
      throw new WorkerError("channel_refused", message, { cause: error });
    }
  }

  private constructor(endpoint: TrickleEndpoint, options: PublisherOptions, seq: number) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#line = new SegmentPostQueue(endpoint, options.contentType, seq, this.#limits);
    this.ended = this.#line.ended;
    this.writable = new WritableStream<OutgoingChunk>({
      start: (controller) => {
        void this.ended.then((end) => this.#errorAfter(end, controller));
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.close(),
      abort: () => this.abort(),
    });
    const onAbort = () => void this.abort();
    options.signal.addEventListener("abort", onAbort, { once: true });
    void this.ended.then(() => options.signal.removeEventListener("abort", onAbort));
  }

  get stats(): PublisherStats {
    return { ...this.#stats };
  }

  /**
   * Ends the running segment and the preconnected one (which the server takes as empty) and waits for the
   * answers, at most `closeMs`; what is unanswered then is cut. Idempotent, never throws.
   */
  async close(): Promise<void> {
    await this.#line.close(this.#limits.closeMs);
    await this.ended;
  }

  /** Cuts every connection and asks the server to close what was begun, so that no reader hangs. Never throws. */
  abort(): Promise<void> {
    return this.#line.abort();
  }

  /** Removes the channel with all its segments; readers see its end. Best effort, at most a second. */
  deleteChannel(): Promise<void> {
    return deleteChannel(this.#endpoint);
  }

  async #write(chunk: OutgoingChunk): Promise<void> {
    if (chunk.first) await this.#begin();
    const post = this.#current;
    if (post === undefined) return;
    if (post.full) {
      // The peer stalls in mid-segment: what it has decodes, the rest would only arrive late.
      this.#stats.segmentsSkipped++;
      this.#endCurrent();
      return;
    }
    if (post.write(chunk.data)) this.#stats.bytes += chunk.data.byteLength;
    if (chunk.last) this.#endCurrent();
    this.#line.preconnect();
  }

  async #begin(): Promise<void> {
    this.#endCurrent();
    // A peer known to stall is not waited for again with every segment.
    const post = await this.#line.take(this.#skipping ? 0 : this.#limits.slotMs);
    this.#skipping = post === undefined;
    if (post === undefined) {
      this.#stats.segmentsSkipped++;
      return;
    }
    this.#current = post;
    this.#stats.segments++;
    this.#options.onSegment?.({ seq: post.seq });
  }

  #endCurrent(): void {
    this.#current?.end();
    this.#current = undefined;
  }

  #errorAfter(end: PublisherEnd, writable: WritableStreamDefaultController): void {
    switch (end.kind) {
      case "finished":
        // Errors a writer that goes on after an abort; after an orderly close it has no effect.
        writable.error(this.#options.signal.aborted ? this.#options.signal.reason : FINISHED());
        break;
      case "closed_by_peer": {
        const message = `channel ${this.#endpoint.url} was closed by the other side`;
        writable.error(new WorkerError("output_lost", message));
        break;
      }
      case "lost":
        writable.error(end.error);
        break;
      default:
        end satisfies never;
    }
  }
}

const FINISHED = () => new DOMException("the publisher is closed", "AbortError");
