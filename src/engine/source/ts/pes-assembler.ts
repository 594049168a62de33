/** Assembles the packets of one PID into PES packets, each as soon as its end is known. */
import { concatBytes } from "../../../media/bytes.ts";
import { TICKS_PER_SECOND, type Ticks } from "../../../media/time.ts";
import type { TsPacket } from "./packet.ts";
import { nearest, type StampClock } from "./stamp-clock.ts";

/** The timestamps of a PES header, unwrapped from 33 bits. */
export interface Stamp {
  readonly pts: Ticks;
  /** Equals `pts` where the header has no decoding timestamp of its own. */
  readonly dts: Ticks;
}

/** The payload of one PES packet. */
export interface Pes {
  readonly data: Uint8Array;
  /** Null if the header has no timestamps. */
  readonly stamp: Stamp | null;
  /** It is as large as its length can say: what it carries may go on in the next one. */
  readonly mayContinue: boolean;
}

const NONE: readonly Pes[] = [];

/** No access unit is this large; a start code that never came back ends here. */
const MAX_PES_BYTES = 16 * 1024 * 1024;
/** A length has 16 bits; senders that cut what is larger stop somewhere below. */
const FULL_LENGTH = 60_000;
/** No picture waits longer for those shown before it; a larger distance is damage. */
const MAX_REORDER_TICKS = 5 * TICKS_PER_SECOND;

/**
 * A PES ends where its length says. Where that is 0, it ends at the packet that carries stuffing
 * (facts.md 4), at the next start, or at the end of the segment.
 */
export class PesAssembler {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #open = false;
  /** False once a packet continued a PES that stuffing had ended: this muxer pads elsewhere too. */
  #stuffingEnds = true;
  #endedByStuffing = false;
  readonly #clock: StampClock;

  constructor(clock: StampClock) {
    this.#clock = clock;
  }

  /** A PES is under way. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Takes the next packet of this PID; returns what became complete, oldest first. */
  push(packet: TsPacket): readonly Pes[] {
    let done = NONE;
    if (packet.unitStart) {
      const rest = this.end();
      if (rest) done = [rest];
      this.#open = true;
      this.#endedByStuffing = false;
    } else if (!this.#open) {
      if (this.#endedByStuffing && packet.payload.length > 0) this.#stuffingEnds = false;
      return done;
    }
    if (packet.payload.length > 0) {
      this.#parts.push(packet.payload);
      this.#bytes += packet.payload.length;
    }
    if (this.#bytes > MAX_PES_BYTES) {
      this.drop();
    } else if (this.#isComplete(packet)) {
      const pes = this.end();
      if (pes) done = [...done, pes];
    }
    return done;
  }

  /**
   * Ends the PES under way with its segment, unless its length says that more is to come.
   * Null if there is nothing usable.
   */
  endSegment(): Pes | null {
    return (this.#missing() ?? 0) > 0 ? null : this.end();
  }

  /** Takes the PES under way as complete. Null if there is nothing usable. */
  end(): Pes | null {
    if (!this.#open) return null;
    const bytes = concatBytes(this.#parts);
    this.#clear();
    return this.#parse(bytes);
  }

  /** Drops the PES under way: one of its packets was lost, and perhaps the next start too. */
  drop(): void {
    this.#clear();
    this.#endedByStuffing = false;
  }

  #clear(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#open = false;
  }

  #isComplete(packet: TsPacket): boolean {
    const missing = this.#missing();
    if (missing !== null) return missing <= 0;
    this.#endedByStuffing = this.#stuffingEnds && packet.stuffed;
    return this.#endedByStuffing;
  }

  /** Bytes that the declared length still lacks; null where none is declared. */
  #missing(): number | null {
    const first = this.#parts[0];
    if (!first || first.length < 6) return null;
    const length = ((first[4] ?? 0) << 8) | (first[5] ?? 0);
    return length > 0 ? 6 + length - this.#bytes : null;
  }

  #parse(bytes: Uint8Array): Pes | null {
    const length = ((bytes[4] ?? 0) << 8) | (bytes[5] ?? 0);
    const start = 9 + (bytes[8] ?? 0);
    const end = length > 0 ? Math.min(bytes.length, 6 + length) : bytes.length;
    const startCode = bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 1;
    if (!startCode || end <= start) return null;
    const data = bytes.subarray(start, end);
    return { data, stamp: this.#stamp(bytes), mayContinue: length >= FULL_LENGTH };
  }

  #stamp(bytes: Uint8Array): Stamp | null {
    const flags = bytes[7] ?? 0;
    if ((flags & 0x80) === 0) return null;
    const pts = readTimestamp(bytes, 9);
    const dts = this.#clock.unwrap(flags & 0x40 ? readTimestamp(bytes, 14) : pts);
    const shown = nearest(pts, dts);
    return { dts, pts: Math.abs(shown - dts) > MAX_REORDER_TICKS ? dts : shown };
  }
}

const readTimestamp = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) & 0x0e) * 2 ** 29 +
  (((bytes[at + 1] ?? 0) << 22) |
    (((bytes[at + 2] ?? 0) & 0xfe) << 14) |
    ((bytes[at + 3] ?? 0) << 7) |
    ((bytes[at + 4] ?? 0) >> 1));
