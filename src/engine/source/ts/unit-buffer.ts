/** Holds the bytes of the access unit under way, with the PES packets that they came in. */
import type { Pes, Stamp } from "./pes-assembler.ts";

/** Where a PES begins in the buffer. */
interface PesMark {
  readonly at: number;
  readonly stamp: Stamp | null;
  readonly arrivedAt: number;
  /** The stamp belongs to an access unit that was cut already. */
  used: boolean;
}

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Grows at its end and is cut at its front. A PES that comes while nothing is held is adopted without a
 * copy; what was cut stays valid. All offsets count from the first byte held when they are used, so that
 * a cut moves them.
 */
export class UnitBuffer {
  #bytes = NOTHING;
  #start = 0;
  #end = 0;
  #marks: PesMark[] = [];

  /** A view of what is held. */
  get view(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** Tells whether a PES begins after the byte at `from` and not after the one at `to`. */
  hasPesStart(from: number, to: number): boolean {
    const mark = this.#markAt(this.#start + to);
    return mark !== undefined && mark.at - this.#start > from;
  }

  append({ data, stamp }: Pes, arrivedAt: number): void {
    const held = this.length;
    const mark = { stamp, arrivedAt, used: false };
    if (held === 0) {
      this.#bytes = data;
      this.#start = 0;
      this.#end = data.length;
      this.#marks = [{ ...mark, at: 0 }];
      return;
    }
    this.#marks.push({ ...mark, at: this.#end });
    if (this.#end + data.length > this.#bytes.length) this.#grow(held + data.length);
    this.#bytes.set(data, this.#end);
    this.#end += data.length;
  }

  /**
   * Cuts the first `bytes` off: one access unit whose first slice lies at `sliceAt`. Its stamp is that of
   * the PES it begins in, unless that belongs to a unit before it (ISO/IEC 13818-1 §2.4.3.7). With
   * `unit-or-slice` it is otherwise that of the PES its first slice begins in.
   */
  cut(bytes: number, sliceAt: number, stamps: "unit" | "unit-or-slice") {
    const start = this.#start;
    const first = this.#markAt(start);
    const slice = this.#markAt(start + sliceAt);
    const candidates = stamps === "unit-or-slice" ? [first, slice] : [first];
    const own = candidates.find((mark) => mark?.stamp && !mark.used);
    if (first) first.used = true;
    if (own) own.used = true;
    const arrivedAt = this.#markAt(start + bytes - 1)?.arrivedAt ?? 0;
    const data = this.#bytes.subarray(start, start + bytes);
    this.#discard(bytes);
    return { data, stamp: own?.stamp ?? null, arrivedAt };
  }

  /** Forgets everything. */
  clear(): void {
    this.#discard(this.length);
  }

  #discard(bytes: number): void {
    this.#start += bytes;
    if (this.length === 0) {
      this.#bytes = NOTHING;
      this.#start = 0;
      this.#end = 0;
      this.#marks = [];
    } else {
      const kept = this.#markAt(this.#start);
      this.#marks = this.#marks.filter((mark) => mark === kept || mark.at > this.#start);
    }
  }

  #markAt(at: number): PesMark | undefined {
    return this.#marks.findLast((mark) => mark.at <= at);
  }

  /** Twice the size that is needed, so that a unit of many small PES costs linear time. */
  #grow(needed: number): void {
    const grown = new Uint8Array(2 * needed);
    grown.set(this.view);
    this.#marks = this.#marks.map((mark) => ({ ...mark, at: mark.at - this.#start }));
    this.#end -= this.#start;
    this.#start = 0;
    this.#bytes = grown;
  }
}
