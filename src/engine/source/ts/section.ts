/** Assembles the packets of one PID into table sections whose checksum is right (ISO/IEC 13818-1 §2.4.4). */
import { crc32 } from "../../../media/mpeg-ts.ts";
import type { TsPacket } from "./packet.ts";

const HEADER_BYTES = 3;
const STUFFING = 0xff;
const NOTHING: Uint8Array = new Uint8Array(0);

/** A section may begin anywhere in a packet and go on in the next ones. */
export class SectionAssembler {
  /** The section under way; null until a section begins. */
  #rest: Uint8Array | null = null;

  /** Takes the next packet of this PID; returns the sections that it completes. */
  push({ unitStart, payload }: TsPacket): Uint8Array[] {
    if (!unitStart) return this.#rest ? this.#take(this.#rest, payload) : [];
    const pointer = 1 + (payload[0] ?? 0);
    const before = this.#rest ? this.#take(this.#rest, payload.subarray(1, pointer)) : [];
    return [...before, ...this.#take(NOTHING, payload.subarray(pointer))];
  }

  /** Drops the section under way: a packet of it was damaged, or another segment begins. */
  drop(): void {
    this.#rest = null;
  }

  #take(rest: Uint8Array, more: Uint8Array): Uint8Array[] {
    const bytes = new Uint8Array(rest.length + more.length);
    bytes.set(rest);
    bytes.set(more, rest.length);
    const sections: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length && bytes[at] !== STUFFING) {
      const length = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      const end = at + HEADER_BYTES + (length & 0x0fff);
      if (bytes.length < at + HEADER_BYTES || bytes.length < end) {
        this.#rest = bytes.subarray(at);
        return sections;
      }
      const section = bytes.subarray(at, end);
      if (crc32(section) === 0) sections.push(section);
      at = end;
    }
    this.#rest = null;
    return sections;
  }
}
