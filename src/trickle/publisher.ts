/** Hides the publishing side of trickle (protocol.md 4.6): preconnects, retries, stalled peers and endings. */
import { reason, WorkerError } from "../errors.ts";
import { getLogger } from "../log.ts";
import { pause } from "../streams/pause.ts";
import { createChannel, deleteChannel, deleteSegment, nextSeq } from "./channel-requests.ts";
import type { TrickleEndpoint } from "./request.ts";
import { type PostOutcome, SegmentPost } from "./segment-post.ts";

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

export interface PublisherLimits {
  /** Longest silence of the peer while it owes progress or an answer; its segment is then given up. */
  readonly stallMs: number;
  /** The channel is lost when nothing was stored for so long after a first failure. */
  readonly giveUpMs: number;
  /** `close()` waits so long for the last answers. */
  readonly closeMs: number;
  /** How long a new segment may wait for the answer to the last but one before it is skipped. */
  readonly slotMs: number;
  /** Bytes that may wait for one socket. */
  readonly queueBytes: number;
}

/** How publishing ended: by `close`/`abort`, by the peer's `Lp-Trickle-Closed`, or by a failure no retry mends. */
export type PublisherEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "closed_by_peer" }
  | { readonly kind: "lost"; readonly error: WorkerError };

const LIMITS: PublisherLimits = {
  stallMs: 10_000,
  giveUpMs: 30_000,
  closeMs: 2_000,
  slotMs: 200,
  queueBytes: 4 * 1024 * 1024,
};
/** The one being written or answered, and the one that is written next. */
const MAX_OPEN_POSTS = 2;
const log = getLogger("trickle");

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
  /** Never rejects. */
  readonly ended: Promise<PublisherEnd>;
  readonly #endpoint: TrickleEndpoint;
  readonly #options: PublisherOptions;
  readonly #limits: PublisherLimits;
  readonly #stop = new AbortController();
  readonly #end = Promise.withResolvers<PublisherEnd>();
  readonly #open = new Set<SegmentPost>();
  readonly #stats = { segments: 0, segmentsSkipped: 0, bytes: 0 };
  #writable!: WritableStreamDefaultController;
  #state: "open" | "closing" | "over" = "open";
  /** Sequence number of the next POST. */
  #seq: number;
  /** The POST that closes what a predecessor left open: one later would close our own segments. */
  readonly #resetSeq: number;
  /** Connected and silent. */
  #ready: SegmentPost | undefined;
  /** Being written; absent while a segment is skipped. */
  #current: SegmentPost | undefined;
  #skipping = false;
  #reconnecting = false;
  #failures = 0;
  #failingSince: number | undefined;
  #slot = Promise.withResolvers<void>();

  /**
   * Makes sure that the channel takes us, learns where to start and connects the first segment.
   * Throws `channel_refused` with what the peer answered.
   */
  static async open(
    endpoint: TrickleEndpoint,
    options: PublisherOptions,
  ): Promise<TricklePublisher> {
    const timeout = AbortSignal.timeout(options.acceptTimeoutMs ?? 2000);
    const signal = AbortSignal.any([options.signal, timeout]);
    try {
      if (options.create && !options.resume) {
        await createChannel(endpoint, options.contentType, signal);
      }
      return new TricklePublisher(endpoint, options, await nextSeq(endpoint, signal));
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof WorkerError) throw error;
      const why = timeout.aborted
        ? `no answer within ${options.acceptTimeoutMs ?? 2000} ms`
        : reason(error);
      throw new WorkerError("channel_refused", `channel ${endpoint.url} is not usable: ${why}`, {
        cause: error,
      });
    }
  }

  private constructor(endpoint: TrickleEndpoint, options: PublisherOptions, seq: number) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#seq = seq;
    this.#resetSeq = seq > 0 ? seq : -1;
    this.ended = this.#end.promise;
    this.writable = new WritableStream<OutgoingChunk>({
      start: (controller) => {
        this.#writable = controller;
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.close(),
      abort: (why) => this.abort(why),
    });
    options.signal.addEventListener("abort", () => void this.abort(options.signal.reason), {
      once: true,
      signal: this.#stop.signal,
    });
    this.#preconnect();
  }

  /** Segments begun, segments skipped or cut short because the peer stalled, bytes handed to sockets. */
  get stats(): {
    readonly segments: number;
    readonly segmentsSkipped: number;
    readonly bytes: number;
  } {
    return { ...this.#stats };
  }

  /**
   * Ends the running segment and the preconnected one (which the server takes as empty) and waits for the
   * answers, at most `closeMs`; what is unanswered then is cut. Idempotent, never throws.
   */
  async close(): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closing";
      for (const post of this.#open) post.end();
      const timer = setTimeout(() => this.#cut("closing took too long"), this.#limits.closeMs);
      await this.#allSettled();
      clearTimeout(timer);
      this.#finish({ kind: "finished" });
    }
    await this.ended;
  }

  /** Cuts every connection and asks the server to close what was begun, so that no reader hangs. Never throws. */
  async abort(why?: unknown): Promise<void> {
    if (this.#state !== "over") {
      const begun = [...this.#open].filter((post) => post.touched);
      this.#finish({ kind: "finished" }, why);
      await Promise.all(begun.map((post) => deleteSegment(this.#endpoint, post.seq)));
    }
    await this.#allSettled();
  }

  /** Removes the channel with all its segments; readers see its end. Best effort, at most a second. */
  async deleteChannel(): Promise<void> {
    await deleteChannel(this.#endpoint);
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
    post.write(chunk.data);
    this.#stats.bytes += chunk.data.byteLength;
    if (chunk.last) this.#endCurrent();
    this.#preconnect();
  }

  async #begin(): Promise<void> {
    this.#endCurrent();
    if (this.#ready === undefined && !this.#skipping) await this.#slotFree();
    const post = this.#ready;
    const stalled = [...this.#open].some((open) => open.full);
    this.#skipping = post === undefined || stalled;
    if (post === undefined || stalled) {
      this.#stats.segmentsSkipped++;
      return;
    }
    this.#ready = undefined;
    this.#current = post;
    this.#stats.segments++;
    this.#options.onSegment?.({ seq: post.seq });
  }

  async #slotFree(): Promise<void> {
    const timer = setTimeout(() => this.#slot.resolve(), this.#limits.slotMs);
    await this.#slot.promise;
    clearTimeout(timer);
    this.#slot = Promise.withResolvers<void>();
  }

  #endCurrent(): void {
    this.#current?.end();
    this.#current = undefined;
  }

  /** Connects the next segment, unless one is connected, two are open or a reconnect is due. */
  #preconnect(): void {
    if (this.#state !== "open" || this.#ready || this.#reconnecting) return;
    if (this.#open.size >= MAX_OPEN_POSTS) return;
    const seq = this.#seq++;
    const post = new SegmentPost(this.#endpoint, {
      seq,
      contentType: this.#options.contentType,
      reset: seq === this.#resetSeq,
      queueBytes: this.#limits.queueBytes,
      stallMs: this.#limits.stallMs,
    });
    this.#ready = post;
    this.#open.add(post);
    this.#slot.resolve();
    void post.settled.then((outcome) => this.#settled(post, outcome));
  }

  #settled(post: SegmentPost, outcome: PostOutcome): void {
    const wasReady = post === this.#ready;
    this.#open.delete(post);
    if (wasReady) this.#ready = undefined;
    if (post === this.#current) this.#current = undefined;
    if (this.#state === "over") return;
    switch (outcome.kind) {
      case "stored":
        this.#failures = 0;
        this.#failingSince = undefined;
        break;
      case "discarded":
        log.warn("segment closed by the server", { seq: post.seq });
        void this.#reconnect(true);
        break;
      case "closed":
        this.#finish({ kind: "closed_by_peer" });
        break;
      case "refused":
        this.#lose(`segment ${post.seq} was refused: ${outcome.status} ${outcome.answer}`.trim());
        break;
      case "failed":
        log.warn("segment failed", { seq: post.seq, error: outcome.message });
        if (post.touched) void deleteSegment(this.#endpoint, post.seq);
        else if (wasReady) this.#seq = post.seq;
        this.#failed(outcome.message);
        break;
      default:
        outcome satisfies never;
    }
    this.#preconnect();
  }

  #failed(message: string): void {
    if (this.#state !== "open") return;
    this.#failingSince ??= performance.now();
    this.#failures++;
    if (performance.now() - this.#failingSince > this.#limits.giveUpMs) {
      this.#lose(`nothing was stored for ${this.#limits.giveUpMs} ms: ${message}`);
    } else {
      void this.#reconnect(false);
    }
  }

  /** The one owner of retries: waits a jittered, growing pause, may ask where to go on, then connects. */
  async #reconnect(ask: boolean): Promise<void> {
    if (this.#reconnecting) return;
    this.#reconnecting = true;
    const step = this.#failures <= 1 ? 50 : Math.min(2000, 250 * 2 ** (this.#failures - 2));
    await pause(step * (0.5 + Math.random() / 2), this.#stop.signal);
    try {
      if (ask && this.#state === "open") {
        const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(2000)]);
        this.#seq = await nextSeq(this.#endpoint, signal);
      }
      this.#reconnecting = false;
      this.#preconnect();
    } catch (error) {
      this.#reconnecting = false;
      if (error instanceof WorkerError) this.#lose(error.message);
      else this.#failed(reason(error));
    }
  }

  #lose(message: string): void {
    const error = new WorkerError("output_lost", `channel ${this.#endpoint.url}: ${message}`);
    this.#finish({ kind: "lost", error }, error);
  }

  #finish(end: PublisherEnd, why?: unknown): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#current = undefined;
    this.#ready = undefined;
    this.#end.resolve(end);
    this.#slot.resolve();
    this.#stop.abort();
    this.#cut("publishing has ended");
    if (end.kind === "closed_by_peer") {
      const message = `channel ${this.#endpoint.url} was closed by the other side`;
      this.#writable.error(new WorkerError("output_lost", message));
    } else if (why !== undefined) {
      this.#writable.error(why);
    }
  }

  #cut(why: string): void {
    for (const post of this.#open) post.abort(why);
  }

  async #allSettled(): Promise<void> {
    await Promise.all([...this.#open].map((post) => post.settled));
  }
}
