/** Publishes segments to a channel (protocol.md 4.6): assigns chunks to POSTs and skips segments while the peer stalls. */
import { WorkerError } from "../../errors.ts";
import { askAcceptance, createChannel, deleteChannel, nextSeq } from "./channel-requests.ts";
import {
  Delivery,
  type OutgoingChunk,
  type PublisherObserver,
  type PublisherStats,
} from "./delivery.ts";
import { channelHost, describeMs } from "./describe.ts";
import type { TrickleEndpoint } from "./request.ts";
import type { SegmentPost } from "./segment-post.ts";
import {
  type PublisherEnd,
  type SegmentPostLimits,
  SegmentPostQueue,
} from "./segment-post-queue.ts";
import { SilenceTimer } from "./silence-timer.ts";

export interface PublisherOptions<Chunk extends OutgoingChunk = OutgoingChunk> {
  readonly contentType: string;
  /** Create the channel first. */
  readonly create?: boolean;
  /** Take a channel over from a publisher that died: it exists, `create` is ignored. */
  readonly resume?: boolean;
  /** Acts as `abort()`. */
  readonly signal: AbortSignal;
  /** For creating the channel and asking where to start, together. Default 2000. */
  readonly acceptTimeoutMs?: number;
  /** For how long a server that answers 503 is asked again. Default `acceptTimeoutMs`. */
  readonly busyTimeoutMs?: number;
  readonly observer?: PublisherObserver<Chunk>;
  /** An empty segment is published after so long without a write. Absent: never. */
  readonly emptySegmentMs?: number;
  readonly limits?: Partial<PublisherLimits>;
}

/** All optional; see `LIMITS` for the defaults. */
export interface PublisherLimits extends SegmentPostLimits {
  /** `close()` waits this long for the last answers. */
  readonly closeMs: number;
  /** How long a new segment may wait for the answer to the last but one before it is skipped. */
  readonly slotMs: number;
  /** A peer that takes nothing for this long is reported to the observer as stalled. */
  readonly stalledMs: number;
}

const LIMITS: PublisherLimits = {
  stallMs: 5_000,
  giveUpMs: 60_000,
  closeMs: 2_000,
  slotMs: 200,
  stalledMs: 5_000,
  queueBytes: 4 * 1024 * 1024,
};

/**
 * Publishes segments to one channel. Writing never waits for the network longer than `slotMs`: while the peer stalls
 * whole segments are skipped, and writing resumes at the next `first` chunk. A peer that takes nothing for `giveUpMs` has
 * failed.
 *
 * @example
 * const publisher = await TricklePublisher.open(
 *   { url: "https://orchestrator:8935/ai/trickle/my-out" },
 *   { contentType: "video/mp2t", signal },
 * );
 * const writer = publisher.writable.getWriter();
 * await writer.write({ data: firstBytes, first: true });
 * await writer.write({ data: moreBytes, first: false });
 * await writer.close(); // the segment is complete, and stored unless `await publisher.ended` says otherwise
 */
export class TricklePublisher<Chunk extends OutgoingChunk = OutgoingChunk> {
  /**
   * A write resolves when its chunk is queued or dropped: the observer reports which of the two, and when it was sent.
   * Closing the stream acts as `close()`, aborting it as `abort()`. It errors with `output_lost` when the channel is
   * gone; `ended` tells why.
   */
  readonly writable: WritableStream<Chunk>;
  /** How it ended. Never rejects. */
  readonly ended: Promise<PublisherEnd>;
  readonly #endpoint: TrickleEndpoint;
  readonly #signal: AbortSignal;
  readonly #limits: PublisherLimits;
  readonly #posts: SegmentPostQueue<Chunk>;
  readonly #delivery: Delivery<Chunk>;
  /** Being written; absent while a segment is skipped. */
  #current: SegmentPost<Chunk> | undefined;
  #skipping = false;
  /** The running segment was cut off though the peer does not stall: a new one is wanted, and may have been asked for. */
  #cut: "no" | "yes" | "reported" = "no";
  readonly #quiet: SilenceTimer | undefined;

  /**
   * Makes sure that the channel accepts us, asks where to start and connects the first segment. Throws
   * `channel_refused` with what the peer answered, or the signal's reason; a channel that it has created is deleted then.
   */
  static async open<Chunk extends OutgoingChunk = OutgoingChunk>(
    endpoint: TrickleEndpoint,
    options: PublisherOptions<Chunk>,
  ): Promise<TricklePublisher<Chunk>> {
    const { acceptTimeoutMs: answerMs = 2000, busyTimeoutMs: busyMs = answerMs, signal } = options;
    let created = false;
    const accept = async (limit: AbortSignal): Promise<number> => {
      if (options.create && !options.resume && !created) {
        await createChannel(endpoint, options.contentType, limit);
        created = true;
      }
      return await nextSeq(endpoint, limit);
    };
    try {
      const seq = await askAcceptance(endpoint, accept, { signal, answerMs, busyMs });
      return new TricklePublisher(endpoint, options, seq);
    } catch (error) {
      if (created) await deleteChannel(endpoint);
      throw error;
    }
  }

  private constructor(endpoint: TrickleEndpoint, options: PublisherOptions<Chunk>, seq: number) {
    this.#endpoint = endpoint;
    this.#signal = options.signal;
    this.#limits = { ...LIMITS, ...options.limits };
    const { stalledMs, giveUpMs } = this.#limits;
    this.#delivery = new Delivery<Chunk>({
      observer: options.observer ?? {},
      stalledMs,
      failedMs: giveUpMs,
      onFailed: () => this.#posts.lose(`the peer took nothing for ${describeMs(giveUpMs)}`),
    });
    this.#posts = new SegmentPostQueue<Chunk>(endpoint, {
      contentType: options.contentType,
      seq,
      limits: this.#limits,
      onTaken: (post, chunk) => this.#delivery.taken(post, chunk),
      onSettled: (post, outcome) => this.#delivery.settled(post, outcome),
    });
    this.ended = this.#posts.ended;
    const { emptySegmentMs } = options;
    if (emptySegmentMs !== undefined)
      this.#quiet = new SilenceTimer({
        afterMs: emptySegmentMs,
        onSilence: () => this.publishEmptySegment(),
      });
    this.#quiet?.start();
    this.writable = new WritableStream<Chunk>({
      start: (controller) => {
        void this.ended.then((end) => this.#errorAfter(end, controller));
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.close(),
      abort: () => this.abort(),
    });
    const onAbort = () => void this.abort();
    options.signal.addEventListener("abort", onAbort, { once: true });
    void this.ended.then(() => {
      options.signal.removeEventListener("abort", onAbort);
      this.#delivery.dispose();
      this.#quiet?.dispose();
    });
  }

  get stats(): PublisherStats {
    return this.#delivery.stats;
  }

  /** Bytes that wait for sockets. */
  get queuedBytes(): number {
    return this.#posts.queuedBytes;
  }

  /**
   * Publishes a segment without bytes, which readers skip and idle sweeps take for a sign of life. The running segment
   * ends before it. Does nothing while no further segment is connected.
   */
  publishEmptySegment(): void {
    this.#quiet?.restart();
    const post = this.#posts.takeReady();
    if (post === undefined) return;
    this.#endCurrent();
    post.end();
    this.#cutOff();
    this.#reportCut();
  }

  /**
   * Ends the running segment and the preconnected one (which the server takes as empty) and waits for the
   * answers, at most `closeMs`; what is unanswered then is cut. Idempotent, never throws.
   */
  async close(): Promise<void> {
    await this.#posts.close(this.#limits.closeMs);
    await this.ended;
  }

  /** Cuts every connection and asks the server to close what was begun, so that no reader hangs. Never throws. */
  abort(): Promise<void> {
    return this.#posts.abort();
  }

  /** Removes the channel with all its segments; readers see its end. Best effort, at most a second. */
  deleteChannel(): Promise<void> {
    return deleteChannel(this.#endpoint);
  }

  async #write(chunk: Chunk): Promise<void> {
    this.#quiet?.restart();
    if (chunk.first) await this.#begin(chunk);
    const post = this.#current;
    if (post === undefined) {
      this.#delivery.skipped(chunk);
      if (this.#posts.isReady) this.#reportCut();
      return;
    }
    if (this.#posts.full) {
      // The peer stalls in mid-segment: what it has decodes, the rest would only arrive late.
      this.#delivery.segmentSkipped();
      this.#delivery.skipped(chunk);
      this.#endCurrent();
      return;
    }
    if (!post.write(chunk)) {
      this.#current = undefined;
      this.#cutOff();
      this.#delivery.skipped(chunk);
    } else if (chunk.data.byteLength > 0) this.#delivery.queued();
    else this.#delivery.sentEmpty(chunk);
    if (chunk.last) this.#endCurrent();
    this.#posts.preconnect();
  }

  async #begin(chunk: Chunk): Promise<void> {
    this.#endCurrent();
    // A peer known to stall is not waited for again with every segment.
    const post = await this.#posts.take(this.#skipping ? 0 : this.#limits.slotMs);
    this.#skipping = post === undefined;
    this.#cut = post === undefined && !this.#posts.full ? "yes" : "no";
    if (post === undefined) {
      this.#delivery.segmentSkipped();
      return;
    }
    this.#current = post;
    this.#delivery.segmentStarted(post.seq, chunk);
  }

  #cutOff(): void {
    if (this.#cut === "no") this.#cut = "yes";
  }

  #reportCut(): void {
    if (this.#cut !== "yes") return;
    this.#cut = "reported";
    this.#delivery.segmentWanted();
  }

  #endCurrent(): void {
    this.#current?.end();
    this.#current = undefined;
  }

  #errorAfter(end: PublisherEnd, writable: WritableStreamDefaultController): void {
    switch (end.kind) {
      case "finished":
        // Errors a writer that goes on after an abort; after an orderly close it has no effect.
        writable.error(this.#signal.aborted ? this.#signal.reason : publisherClosed());
        break;
      case "closed_by_peer": {
        const message = `the channel at ${channelHost(this.#endpoint)} was closed by the other side`;
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

const publisherClosed = () => new DOMException("the publisher is closed", "AbortError");
