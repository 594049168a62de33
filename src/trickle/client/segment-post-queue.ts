/** Keeps a publisher's POSTs open: one connected ahead, at most two in all, and replaced when they fail. */
import { WorkerError } from "../../errors.ts";
import { ChannelRecovery } from "./channel-recovery.ts";
import { deleteSegment } from "./channel-requests.ts";
import { channelHost } from "./describe.ts";
import type { TrickleEndpoint } from "./request.ts";
import { type PostChunk, type PostOutcome, SegmentPost } from "./segment-post.ts";

export interface SegmentPostLimits {
  /** Longest silence of the peer while it owes progress or an answer; its segment is then given up. */
  readonly stallMs: number;
  /** The channel is lost when failures in a row last this long. */
  readonly giveUpMs: number;
  /** Bytes that may wait for the sockets of one channel. */
  readonly queueBytes: number;
}

/** How publishing ended: by its owner, by the peer's `Lp-Trickle-Closed`, or by a failure that no retry mends. */
export type PublisherEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "closed_by_peer" }
  | { readonly kind: "lost"; readonly error: WorkerError };

export interface SegmentPostQueueOptions<Chunk extends PostChunk> {
  readonly contentType: string;
  /** Number of the first segment. */
  readonly seq: number;
  readonly limits: SegmentPostLimits;
  /** A socket has taken a chunk. */
  readonly onTaken: (post: SegmentPost<Chunk>, chunk: Chunk) => void;
  /** A POST has ended. Called before it is replaced. */
  readonly onSettled: (post: SegmentPost<Chunk>, outcome: PostOutcome) => void;
}

/** The one that is written or waits for its answer, and the one connected ahead. */
const MAX_OPEN = 2;
/** Outcomes after which the server may hold a part of the segment. */
const MAY_BE_BROKEN: readonly PostOutcome["kind"][] = ["busy", "failed", "timed_out", "too_large"];

export class SegmentPostQueue<Chunk extends PostChunk> {
  /** Never rejects. */
  readonly ended: Promise<PublisherEnd>;
  readonly #endpoint: TrickleEndpoint;
  readonly #options: SegmentPostQueueOptions<Chunk>;
  readonly #recovery: ChannelRecovery;
  readonly #stop = new AbortController();
  readonly #end = Promise.withResolvers<PublisherEnd>();
  readonly #open = new Set<SegmentPost<Chunk>>();
  /** The POST that closes what a predecessor left open. A later one would close our own segments. */
  readonly #resetSeq: number;
  #state: "open" | "closing" | "over" = "open";
  #seq: number;
  #ready: SegmentPost<Chunk> | undefined;
  #becameReady = Promise.withResolvers<void>();

  constructor(endpoint: TrickleEndpoint, options: SegmentPostQueueOptions<Chunk>) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#recovery = new ChannelRecovery(endpoint, {
      giveUpMs: options.limits.giveUpMs,
      signal: this.#stop.signal,
      onReady: (seq = this.#seq) => {
        this.#seq = seq;
        this.preconnect();
      },
      onLost: (problem) => this.lose(problem),
      onClosed: () => this.#finish({ kind: "closed_by_peer" }),
    });
    this.#seq = options.seq;
    this.#resetSeq = options.seq > 0 ? options.seq : -1;
    this.ended = this.#end.promise;
    this.preconnect();
  }

  /** As many bytes wait for sockets as may: what is written now would only arrive late. */
  get full(): boolean {
    return this.queuedBytes >= this.#options.limits.queueBytes;
  }

  /** Bytes that wait for sockets. */
  get queuedBytes(): number {
    let queued = 0;
    for (const post of this.#open) queued += post.queuedBytes;
    return queued;
  }

  /**
   * The connected POST of the next segment, waited for at most `waitMs`; undefined while the peer stalls: nothing is
   * connected, or the queue is full.
   */
  async take(waitMs: number): Promise<SegmentPost<Chunk> | undefined> {
    if (this.#ready === undefined && waitMs > 0) {
      this.#becameReady = Promise.withResolvers<void>();
      const timer = setTimeout(this.#becameReady.resolve, waitMs);
      await this.#becameReady.promise;
      clearTimeout(timer);
    }
    return this.full ? undefined : this.takeReady();
  }

  /** The connected POST of the next segment, if there is one. */
  takeReady(): SegmentPost<Chunk> | undefined {
    const post = this.#ready;
    this.#ready = undefined;
    return post;
  }

  /** The next segment is connected. */
  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  /** Connects the next segment, unless one is connected, two are open or a reconnect is due. */
  preconnect(): void {
    if (this.#state !== "open" || this.#ready || this.#recovery.isRunning) return;
    if (this.#open.size >= MAX_OPEN) return;
    const { contentType, limits, onTaken, onSettled } = this.#options;
    const seq = this.#seq++;
    const post: SegmentPost<Chunk> = new SegmentPost<Chunk>(this.#endpoint, {
      seq,
      contentType,
      reset: seq === this.#resetSeq,
      stallMs: limits.stallMs,
      onTaken: (chunk) => onTaken(post, chunk),
    });
    this.#ready = post;
    this.#open.add(post);
    this.#becameReady.resolve();
    void post.settled.then((outcome) => {
      onSettled(post, outcome);
      this.#settled(post, outcome);
    });
  }

  /**
   * Ends every body, waits for the answers at most `waitMs`, then cuts what is left. The one connected ahead ends
   * last: servers continue counting from the last segment they saw.
   */
  async close(waitMs: number): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closing";
    const timer = setTimeout(() => this.#cut("closing took too long"), waitMs);
    const begun = [...this.#open].filter((post) => post !== this.#ready);
    for (const post of begun) post.end();
    await Promise.all(begun.map((post) => post.settled));
    for (const post of this.#open) post.end();
    await this.#allSettled();
    clearTimeout(timer);
    this.#finish({ kind: "finished" });
  }

  /** Cuts every connection and asks the server to close the segments that were begun. */
  async abort(): Promise<void> {
    const begun = [...this.#open].filter((post) => post.touched);
    this.#finish({ kind: "finished" });
    await Promise.all(begun.map((post) => deleteSegment(this.#endpoint, post.seq)));
    await this.#allSettled();
  }

  /** Gives the channel up as lost. */
  lose(problem: string): void {
    const message = `channel at ${channelHost(this.#endpoint)}: ${problem}`;
    this.#finish({ kind: "lost", error: new WorkerError("output_lost", message) });
  }

  #settled(post: SegmentPost<Chunk>, outcome: PostOutcome): void {
    const wasReady = post === this.#ready;
    this.#open.delete(post);
    if (wasReady) this.#ready = undefined;
    if (this.#state === "over") return;
    const { seq } = post;
    const { kind } = outcome;
    if (this.#state === "closing" && MAY_BE_BROKEN.includes(kind)) {
      if (post.touched) void deleteSegment(this.#endpoint, seq); // there is no second try
      return;
    }
    switch (outcome.kind) {
      case "stored":
        this.#recovery.succeed();
        break;
      case "discarded":
        this.#recovery.failClosed(`the server closed segment ${seq}`, { isUnused: wasReady });
        break;
      case "closed":
        this.#finish({ kind: "closed_by_peer" });
        break;
      case "not_found":
        this.#recovery.failNotFound(`segment ${seq}: ${outcome.message}`);
        break;
      case "misnumbered":
        this.#recovery.failMisnumbered(`segment ${seq}: ${outcome.message}`, outcome.latest);
        break;
      case "refused":
        this.lose(`segment ${seq} was refused with ${outcome.message}`);
        break;
      case "busy":
      case "failed":
      case "timed_out":
      case "too_large": {
        if (wasReady && !post.touched) this.#seq = seq;
        const problem = `segment ${seq}: ${outcome.message}`;
        const broken = wasReady && !post.touched ? {} : { broken: seq };
        if (kind === "busy") this.#recovery.failBusy(problem, broken);
        else if (kind === "too_large") this.#recovery.failTooLarge(problem, broken);
        else this.#recovery.fail(problem, broken);
        break;
      }
      default:
        outcome satisfies never;
    }
    this.preconnect();
  }

  #finish(end: PublisherEnd): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#ready = undefined;
    this.#end.resolve(end);
    this.#becameReady.resolve();
    this.#stop.abort();
    this.#cut("publishing has ended");
  }

  #cut(why: string): void {
    for (const post of this.#open) post.abort(why);
  }

  async #allSettled(): Promise<void> {
    await Promise.all([...this.#open].map((post) => post.settled));
  }
}
