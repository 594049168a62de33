/** Hides which segments of a channel are held and which number means which (protocol.md 4.1, 4.2). */
import { type ByteBudget, SegmentBuffer } from "./segment-buffer.ts";

/** A channel holds so many segments; number n lies at n mod 5. */
export const RING_SIZE = 5;

export interface ChannelLimits {
  readonly maxSegmentBytes: number;
  readonly budget: ByteBudget;
}

/** One channel of the embedded server. Knows no HTTP. */
export class Channel {
  readonly name: string;
  /** Fixed when the channel is made. */
  readonly mime: string;
  readonly #limits: ChannelLimits;
  readonly #ring: (SegmentBuffer | undefined)[] = new Array(RING_SIZE).fill(undefined);
  #nextWrite = 0;
  #writtenAt = performance.now();
  #closed = false;

  constructor(name: string, mime: string, limits: ChannelLimits) {
    this.name = name;
    this.mime = mime;
    this.#limits = limits;
  }

  /** Number of the next segment to be written. */
  get nextWrite(): number {
    return this.#nextWrite;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Milliseconds since a segment's first byte. */
  get idleMs(): number {
    return performance.now() - this.#writtenAt;
  }

  /** The segment a POST writes: made, or the one that lies there. -1 is the next one. */
  forWrite(seq: number): SegmentBuffer {
    const wanted = seq === -1 ? this.#nextWrite : seq;
    return this.#held(wanted) ?? this.#make(wanted);
  }

  /** The segment a GET reads, or its number where none is held. -1 is the next one, -2 the newest. */
  forRead(seq: number): SegmentBuffer | number {
    const wanted =
      seq === -1 ? this.#nextWrite : seq === -2 ? Math.max(0, this.#nextWrite - 1) : seq;
    const held = this.#held(wanted);
    if (held !== undefined) return held;
    const waitable = wanted === this.#nextWrite || (this.#nextWrite === 0 && wanted === 1);
    return waitable ? this.#make(wanted) : wanted;
  }

  /** A segment's first byte has come, or its end without one: numbers go on after it, even backwards. */
  begun(seq: number): void {
    this.#nextWrite = seq + 1;
    this.#writtenAt = performance.now();
  }

  /** Closes one held segment; false where it is not held. */
  closeSegment(seq: number): boolean {
    const segment = this.#held(seq);
    segment?.close();
    return segment !== undefined;
  }

  /** `Lp-Trickle-Reset`: closes what lies before `seq`; segments connected ahead stay. */
  closeBefore(seq: number): void {
    for (const segment of this.#ring) if (segment && segment.seq < seq) segment.close();
  }

  /** Ends the channel: pending requests see it, memory goes when its last reader is through. */
  close(): void {
    this.#closed = true;
    for (const segment of this.#ring) segment?.evict();
    this.#ring.fill(undefined);
  }

  #held(seq: number): SegmentBuffer | undefined {
    const segment = this.#ring[seq % RING_SIZE];
    return segment?.seq === seq ? segment : undefined;
  }

  #make(seq: number): SegmentBuffer {
    const slot = seq % RING_SIZE;
    const old = this.#ring[slot];
    const segment = new SegmentBuffer(seq, this.#limits.budget, this.#limits.maxSegmentBytes);
    this.#ring[slot] = segment;
    old?.evict();
    return segment;
  }
}
