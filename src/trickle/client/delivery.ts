/** Keeps the account of a publisher: which chunks went out, which were lost, and whether the peer takes any. */
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
 * A chunk counts as sent when its socket takes it. After a POST has failed that is no longer evidence, since a kernel
 * takes megabytes for a peer that reads nothing: until the peer has proved that it reads, chunks count once their segment is stored.
 */
export class Delivery<Chunk extends OutgoingChunk> {
  readonly #observer: PublisherObserver<Chunk>;
  /** Taken by a socket while the peer was in doubt. */
  readonly #unconfirmed = new Map<SegmentPost<Chunk>, Unconfirmed<Chunk>>();
  readonly #stalled: SilenceTimer;
  readonly #failed: SilenceTimer;
  #peerInDoubt = false;
  #reported = false;
  /** Chunks that are neither sent nor dropped. */
  #pending = 0;
  #writtenAt = 0;
  #segments = 0;
  #segmentsSkipped = 0;
  #bytes = 0;

  constructor({ observer, stalledMs, failedMs, onFailed }: DeliveryOptions<Chunk>) {
    this.#observer = observer;
    // With nothing queued and nothing written lately, silence means that there is nothing to take.
    const isDue = () => this.#pending > 0 || performance.now() - this.#writtenAt < stalledMs;
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

  segmentSkipped(): void {
    this.#segmentsSkipped++;
  }

  /** The chunk was queued for a socket. */
  queued(): void {
    this.#pending++;
    this.#written();
  }

  /** The chunk was left out: there was no room for it. */
  skipped(chunk: Chunk): void {
    this.#observer.chunkDropped?.(chunk);
    this.#written();
  }

  /** A socket has taken the chunk. */
  taken(post: SegmentPost<Chunk>, chunk: Chunk): void {
    const at = performance.now();
    if (!this.#peerInDoubt) {
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
    else this.#peerInDoubt = true;
    for (const { chunk } of this.#unconfirmed.get(post)?.chunks ?? []) this.#dropped(chunk);
    this.#unconfirmed.delete(post);
    for (const chunk of post.takeUnsent()) this.#dropped(chunk);
  }

  /** Publishing has ended: nothing is due any more. */
  dispose(): void {
    this.#stalled.dispose();
    this.#failed.dispose();
  }

  /** The peer reads: what it was sent is out. */
  #confirm(post: SegmentPost<Chunk>): void {
    this.#peerInDoubt = false;
    const { chunks = [] } = this.#unconfirmed.get(post) ?? {};
    this.#unconfirmed.delete(post);
    for (const { chunk, at } of chunks) this.#sent(chunk, at);
  }

  #sent(chunk: Chunk, at: number): void {
    this.#pending--;
    this.#bytes += chunk.data.byteLength;
    if (chunk.first) this.#segments++;
    if (this.#reported) {
      this.#reported = false;
      this.#observer.recovered?.();
    }
    this.#stalled.stop();
    this.#failed.stop();
    if (this.#pending > 0) this.#expect();
    this.#observer.chunkSent?.(chunk, at);
  }

  #dropped(chunk: Chunk): void {
    this.#pending--;
    this.#observer.chunkDropped?.(chunk);
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
