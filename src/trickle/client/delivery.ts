/** Accounts for a publisher's chunks: which were sent or lost, and whether the peer takes any. */
import type { PostOutcome, SegmentPost } from "./segment-post.ts";
import { SilenceTimer } from "./silence-timer.ts";

/** A piece of a segment. A subtype may carry more. */
export interface OutgoingChunk {
  /** Handed to the socket as it is: not to be changed after the write. */
  readonly data: Uint8Array;
  /** Begins a new segment; the one before ends. */
  readonly first: boolean;
  /** Ends its segment at once, not only when the next one begins. */
  readonly last?: boolean;
}

/** Receives what becomes of the chunks that were written: each of them is either sent or dropped, once. */
export interface PublisherObserver<Chunk extends OutgoingChunk = OutgoingChunk> {
  /** The segment that begins with this chunk has this number. */
  segmentStarted?(seq: number, chunk: Chunk): void;
  /** The chunk was handed to the socket at `at` (`performance.now()`). */
  chunkSent?(chunk: Chunk, at: number): void;
  /** The chunk will not arrive: it was skipped, or its connection died. */
  chunkDropped?(chunk: Chunk): void;
  /**
   * The rest of the running segment will be dropped, but a new one would be taken: it should begin soon. Called once for
   * such a segment.
   */
  segmentWanted?(): void;
  /** The peer has taken nothing for this long although there were bytes for it. */
  stalled?(silentMs: number): void;
  /** It takes bytes again. */
  recovered?(): void;
}

/** What has been published so far. */
export interface PublisherStats {
  /** Segments of which the first chunk was sent. */
  readonly segments: number;
  /** Left out or cut short because the peer stalled. */
  readonly segmentsSkipped: number;
  /** Handed to sockets. */
  readonly bytes: number;
}

export interface DeliveryOptions<Chunk extends OutgoingChunk> {
  readonly observer: PublisherObserver<Chunk>;
  /** A peer that takes nothing for this long is reported as stalled. */
  readonly stalledMs: number;
  /** A peer that takes nothing for this long has failed. */
  readonly failedMs: number;
  readonly onFailed: () => void;
}

interface TakenChunk<Chunk> {
  readonly chunk: Chunk;
  readonly at: number;
}

interface Unconfirmed<Chunk> {
  bytes: number;
  readonly chunks: TakenChunk<Chunk>[];
}

/** More than the kernels on both sides buffer for a peer that does not read. */
const KERNEL_BYTES = 16 * 1024 * 1024;

/**
 * How far the peer is trusted to get what a socket takes for it. `failed`: a POST has failed since it stored a segment.
 * `timed_out`: it did not react to a POST at all, so that sockets may take megabytes for it only because kernels buffer
 * them.
 */
type Trust = "full" | "failed" | "timed_out";

/**
 * A chunk counts as sent when its socket takes it. While the peer is not fully trusted, it counts once its segment is
 * stored; after a timeout, the peer does not count as taking bytes before that either.
 */
export class Delivery<Chunk extends OutgoingChunk> {
  readonly #observer: PublisherObserver<Chunk>;
  /** Taken by a socket while the peer was not trusted. */
  readonly #unconfirmed = new Map<SegmentPost<Chunk>, Unconfirmed<Chunk>>();
  readonly #stalled: SilenceTimer;
  readonly #failed: SilenceTimer;
  #trust: Trust = "full";
  #reported = false;
  /** Chunks that no socket has taken yet. */
  #waiting = 0;
  #writtenAt = 0;
  #segments = 0;
  #segmentsSkipped = 0;
  #bytes = 0;

  constructor({ observer, stalledMs, failedMs, onFailed }: DeliveryOptions<Chunk>) {
    this.#observer = observer;
    // With nothing queued and nothing written lately, silence means that there is nothing to take.
    const isDue = () => this.#waiting > 0 || performance.now() - this.#writtenAt < stalledMs;
    this.#stalled = new SilenceTimer({
      afterMs: stalledMs,
      onSilence: () => {
        this.#reported = isDue();
        if (this.#reported) observer.stalled?.(stalledMs);
      },
    });
    this.#failed = new SilenceTimer({
      afterMs: failedMs,
      onSilence: () => isDue() && onFailed(),
    });
  }

  get stats(): PublisherStats {
    return {
      segments: this.#segments,
      segmentsSkipped: this.#segmentsSkipped,
      bytes: this.#bytes,
    };
  }

  segmentStarted(seq: number, chunk: Chunk): void {
    this.#observer.segmentStarted?.(seq, chunk);
  }

  segmentWanted(): void {
    this.#observer.segmentWanted?.();
  }

  segmentSkipped(): void {
    this.#segmentsSkipped++;
  }

  /** The chunk was queued for a socket. */
  queued(): void {
    this.#waiting++;
    this.#written();
  }

  /** A chunk without bytes was written: no socket will ever take it. */
  sentEmpty(chunk: Chunk): void {
    this.#sent(chunk, performance.now());
  }

  /** The chunk was left out: there was no room for it. */
  skipped(chunk: Chunk): void {
    this.#observer.chunkDropped?.(chunk);
    this.#written();
  }

  /** A socket has taken the chunk. */
  taken(post: SegmentPost<Chunk>, chunk: Chunk): void {
    const at = performance.now();
    this.#waiting--;
    if (this.#trust !== "timed_out") this.#progressed();
    if (this.#trust === "full") {
      this.#sent(chunk, at);
      return;
    }
    const unconfirmed = this.#unconfirmed.get(post) ?? { bytes: 0, chunks: [] };
    unconfirmed.bytes += chunk.data.byteLength;
    unconfirmed.chunks.push({ chunk, at });
    this.#unconfirmed.set(post, unconfirmed);
    if (unconfirmed.bytes > KERNEL_BYTES) this.#confirm(post);
  }

  settled(post: SegmentPost<Chunk>, { kind }: PostOutcome): void {
    if (kind === "stored") this.#confirm(post);
    else if (kind === "busy")
      this.#failed.stop(); // counts from the next write again
    else if (kind === "timed_out") this.#trust = "timed_out";
    else if (this.#trust === "full") this.#trust = "failed";
    const lost = this.#unconfirmed.get(post)?.chunks.map(({ chunk }) => chunk) ?? [];
    this.#unconfirmed.delete(post);
    const unsent = post.takeUnsent();
    this.#waiting -= unsent.length;
    for (const chunk of [...lost, ...unsent]) this.#observer.chunkDropped?.(chunk);
  }

  /** Publishing has ended: nothing is due any more. */
  dispose(): void {
    this.#stalled.dispose();
    this.#failed.dispose();
  }

  /** The peer reads: what it was sent is out. */
  #confirm(post: SegmentPost<Chunk>): void {
    this.#trust = "full";
    this.#progressed();
    const { chunks = [] } = this.#unconfirmed.get(post) ?? {};
    this.#unconfirmed.delete(post);
    for (const { chunk, at } of chunks) this.#sent(chunk, at);
  }

  #sent(chunk: Chunk, at: number): void {
    this.#bytes += chunk.data.byteLength;
    if (chunk.first) this.#segments++;
    this.#observer.chunkSent?.(chunk, at);
  }

  /** The peer takes bytes. */
  #progressed(): void {
    this.#stalled.stop();
    this.#failed.stop();
    if (this.#waiting > 0) this.#expect();
    if (!this.#reported) return;
    this.#reported = false;
    this.#observer.recovered?.();
  }

  #written(): void {
    this.#writtenAt = performance.now();
    this.#expect();
  }

  #expect(): void {
    this.#failed.start();
    if (!this.#reported) this.#stalled.start();
  }
}
