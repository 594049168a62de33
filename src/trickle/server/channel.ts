/** Holds the last segments of one channel and maps sequence numbers to them (protocol.md 4.1, 4.2). */
import { SegmentBuffer } from "./segment-buffer.ts";
import type { SegmentMemory } from "./segment-memory.ts";

/** Number of segments that a channel holds. Segment n is at index n mod 5. */
const RING_SIZE = 5;

export interface ChannelOptions {
  /** MIME type of all segments, or an empty string. */
  readonly mime: string;
  readonly memory: SegmentMemory;
  readonly maxSegmentBytes: number;
}

/** One channel of the embedded server. Knows nothing of HTTP. */
export class Channel {
  readonly mime: string;
  readonly #options: ChannelOptions;
  readonly #ring: (SegmentBuffer | undefined)[] = new Array(RING_SIZE).fill(undefined);
  #nextWrite = 0;
  #writtenAt = performance.now();
  #ownPublishers = 0;
  #readers = 0;
  #readAt = performance.now();
  #closed = false;

  constructor(options: ChannelOptions) {
    this.mime = options.mime;
    this.#options = options;
  }

  /** Sequence number of the next segment to be written. */
  get nextWrite(): number {
    return this.#nextWrite;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Milliseconds since the last byte or the creation. Readers and publishers that only wait do not count, or a channel
   * could be held for ever at no cost; except this server's own publishers, which wait while their input pauses.
   */
  get idleMs(): number {
    return this.#ownPublishers > 0 ? 0 : performance.now() - this.#writtenAt;
  }

  /** Counts a publisher of this server's own as connected until the returned function is called. */
  addOwnPublisher(): () => void {
    this.#ownPublishers++;
    return () => {
      this.#ownPublishers--;
    };
  }

  /** Milliseconds since the last reader left, or since the creation; 0 while one reads or waits. */
  get unwatchedMs(): number {
    return this.#readers > 0 ? 0 : performance.now() - this.#readAt;
  }

  /** Counts a reader until the returned function is called. */
  addReader(): () => void {
    this.#readers++;
    return () => {
      this.#readers--;
      this.#readAt = performance.now();
    };
  }

  /** The segment that a POST writes, created if it is not held. -1: the next one. */
  segmentToWrite(seq: number): SegmentBuffer {
    const wanted = seq === -1 ? this.#nextWrite : seq;
    return this.#held(wanted) ?? this.#create(wanted);
  }

  /** The segment that a GET reads, or its number if it is neither held nor next. -1: the next one. -2: the newest. */
  segmentToRead(seq: number): SegmentBuffer | number {
    const wanted =
      seq === -1 ? this.#nextWrite : seq === -2 ? Math.max(0, this.#nextWrite - 1) : seq;
    const held = this.#held(wanted);
    if (held !== undefined) return held;
    const waitable = wanted === this.#nextWrite || (this.#nextWrite === 0 && wanted === 1);
    return waitable ? this.#create(wanted) : wanted;
  }

  /** A segment got its first byte, or ended without one. The next number follows from it, even backwards. */
  recordStart(seq: number): void {
    this.#nextWrite = seq + 1;
    this.recordBytes();
  }

  /** A segment got more bytes. */
  recordBytes(): void {
    this.#writtenAt = performance.now();
  }

  /** Closes one segment; false if it is not held. */
  closeSegment(seq: number): boolean {
    const segment = this.#held(seq);
    segment?.close();
    return segment !== undefined;
  }

  /** `Lp-Trickle-Reset`: closes all segments before `seq`. Those connected ahead stay open. */
  closeBefore(seq: number): void {
    for (const segment of this.#ring) if (segment && segment.seq < seq) segment.close();
  }

  /** Ends the channel and all pending requests. Its memory is freed when the last reader is done. */
  close(): void {
    this.#closed = true;
    for (const segment of this.#ring) segment?.evict();
    this.#ring.fill(undefined);
  }

  #held(seq: number): SegmentBuffer | undefined {
    const segment = this.#ring[seq % RING_SIZE];
    return segment?.seq === seq ? segment : undefined;
  }

  #create(seq: number): SegmentBuffer {
    const slot = seq % RING_SIZE;
    const old = this.#ring[slot];
    const { memory, maxSegmentBytes } = this.#options;
    const segment = new SegmentBuffer(seq, memory, maxSegmentBytes);
    this.#ring[slot] = segment;
    old?.evict();
    return segment;
  }
}
