/** Hides the POSTs of a publisher: one connected ahead, at most two open, retries, and when the channel is lost. */
import { reason, WorkerError } from "../../errors.ts";
import { getLogger } from "../../log.ts";
import { pause } from "../../streams/pause.ts";
import { deleteSegment, nextSeq } from "./channel-requests.ts";
import type { TrickleEndpoint } from "./request.ts";
import { type PostOutcome, SegmentPost } from "./segment-post.ts";

export interface SegmentPostLimits {
  /** Longest silence of the peer while it owes progress or an answer; its segment is then given up. */
  readonly stallMs: number;
  /** The channel is lost when nothing was stored for so long after a first failure. */
  readonly giveUpMs: number;
  /** Bytes that may wait for one socket. */
  readonly queueBytes: number;
}

/** How publishing ended: by its owner, by the peer's `Lp-Trickle-Closed`, or by a failure that no retry mends. */
export type PublisherEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "closed_by_peer" }
  | { readonly kind: "lost"; readonly error: WorkerError };

/** The one being written or answered, and the one that is written next. */
const MAX_OPEN = 2;
const log = getLogger("trickle");

/** Keeps the next segment's POST connected, as long as `MAX_OPEN` allows and the channel lives. */
export class SegmentPostQueue {
  /** Never rejects. */
  readonly ended: Promise<PublisherEnd>;
  readonly #endpoint: TrickleEndpoint;
  readonly #contentType: string;
  readonly #limits: SegmentPostLimits;
  readonly #stop = new AbortController();
  readonly #end = Promise.withResolvers<PublisherEnd>();
  readonly #open = new Set<SegmentPost>();
  /** Numbers of segments that broke off: their readers wait until the server has been told. */
  readonly #broken = new Set<number>();
  /** The POST that closes what a predecessor left open: one later would close our own segments. */
  readonly #resetSeq: number;
  #state: "open" | "closing" | "over" = "open";
  #seq: number;
  #ready: SegmentPost | undefined;
  #reconnecting = false;
  #failures = 0;
  #failingSince: number | undefined;
  #readyAgain = Promise.withResolvers<void>();

  constructor(
    endpoint: TrickleEndpoint,
    contentType: string,
    seq: number,
    limits: SegmentPostLimits,
  ) {
    this.#endpoint = endpoint;
    this.#contentType = contentType;
    this.#limits = limits;
    this.#seq = seq;
    this.#resetSeq = seq > 0 ? seq : -1;
    this.ended = this.#end.promise;
    this.preconnect();
  }

  /**
   * The connected POST of the next segment, waited for at most `waitMs`; undefined while the peer stalls:
   * nothing is connected, or an earlier segment's queue is full.
   */
  async take(waitMs: number): Promise<SegmentPost | undefined> {
    if (this.#ready === undefined && waitMs > 0) {
      this.#readyAgain = Promise.withResolvers<void>();
      const timer = setTimeout(this.#readyAgain.resolve, waitMs);
      await this.#readyAgain.promise;
      clearTimeout(timer);
    }
    for (const post of this.#open) if (post.full) return undefined;
    const post = this.#ready;
    this.#ready = undefined;
    return post;
  }

  /** Connects the next segment, unless one is connected, two are open or a reconnect is due. */
  preconnect(): void {
    if (this.#state !== "open" || this.#ready || this.#reconnecting) return;
    if (this.#open.size >= MAX_OPEN) return;
    const seq = this.#seq++;
    const post = new SegmentPost(this.#endpoint, {
      seq,
      contentType: this.#contentType,
      reset: seq === this.#resetSeq,
      queueBytes: this.#limits.queueBytes,
      stallMs: this.#limits.stallMs,
    });
    this.#ready = post;
    this.#open.add(post);
    this.#readyAgain.resolve();
    void post.settled.then((outcome) => this.#settled(post, outcome));
  }

  /**
   * Ends every body, waits for the answers at most `waitMs`, then cuts what is left. The one connected ahead ends
   * last: a server counts on from the segment that it heard of last.
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

  #settled(post: SegmentPost, outcome: PostOutcome): void {
    const wasReady = post === this.#ready;
    this.#open.delete(post);
    if (wasReady) this.#ready = undefined;
    if (this.#state === "over") return;
    switch (outcome.kind) {
      case "stored":
        this.#failures = 0;
        this.#failingSince = undefined;
        break;
      case "discarded":
        // A server may close one segment; one that closes all of them stores nothing.
        this.#failed(`the server closed segment ${post.seq}`, wasReady);
        break;
      case "closed":
        this.#finish({ kind: "closed_by_peer" });
        break;
      case "refused":
        this.#lose(`segment ${post.seq} was refused: ${outcome.status} ${outcome.answer}`.trim());
        break;
      case "failed":
        if (post.touched) this.#broken.add(post.seq);
        else if (wasReady) this.#seq = post.seq;
        this.#failed(`segment ${post.seq}: ${outcome.message}`);
        break;
      default:
        outcome satisfies never;
    }
    this.preconnect();
  }

  /** `ask`: the server's counter may have moved on. */
  #failed(message: string, ask = false): void {
    if (this.#state !== "open") {
      void this.#closeBroken().catch(() => {}); // there is no second try
      return;
    }
    if (this.#failures++ === 0) {
      log.warn("publishing fails", { channel: this.#endpoint.url, error: message });
    }
    this.#failingSince ??= performance.now();
    if (performance.now() - this.#failingSince > this.#limits.giveUpMs) {
      this.#lose(`nothing was stored for ${this.#limits.giveUpMs} ms: ${message}`);
    } else {
      void this.#reconnect(ask);
    }
  }

  /** The one owner of retries: waits a jittered, growing pause, frees readers, may ask where to go on, then connects. */
  async #reconnect(ask: boolean): Promise<void> {
    if (this.#reconnecting) return;
    this.#reconnecting = true;
    const step = this.#failures <= 1 ? 50 : Math.min(2000, 250 * 2 ** (this.#failures - 2));
    await pause(step * (0.5 + Math.random() / 2), this.#stop.signal);
    try {
      await this.#closeBroken();
      if (ask && this.#state === "open") {
        const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(2000)]);
        this.#seq = await nextSeq(this.#endpoint, signal);
      }
      this.#reconnecting = false;
      this.preconnect();
    } catch (error) {
      this.#reconnecting = false;
      if (error instanceof WorkerError) this.#lose(error.message);
      else this.#failed(reason(error));
    }
  }

  async #closeBroken(): Promise<void> {
    for (const seq of this.#broken) {
      if (!(await deleteSegment(this.#endpoint, seq)))
        throw new Error(`segment ${seq} cannot be closed`);
      this.#broken.delete(seq);
    }
  }

  #lose(message: string): void {
    const error = new WorkerError("output_lost", `channel ${this.#endpoint.url}: ${message}`);
    this.#finish({ kind: "lost", error });
  }

  #finish(end: PublisherEnd): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#ready = undefined;
    this.#end.resolve(end);
    this.#readyAgain.resolve();
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
