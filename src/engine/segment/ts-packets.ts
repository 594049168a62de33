/** Writes transport packets: counters, adaptation fields and stuffing (ISO/IEC 13818-1 §2.4.3). */
import { TS_PACKET_BYTES } from "../../media/mpeg-ts.ts";
import { writePcr } from "./ts-stamps.ts";

const SYNC_BYTE = 0x47;
const HEADER_BYTES = 4;
/** Payload of a packet without an adaptation field. */
const PAYLOAD_BYTES = TS_PACKET_BYTES - HEADER_BYTES;
const PCR_BYTES = 6;

const DISCONTINUITY = 0x80;
const RANDOM_ACCESS = 0x40;
const HAS_PCR = 0x10;

/** What the first packet of a unit carries besides its payload. */
export interface UnitMarks {
  readonly randomAccess?: boolean;
  /** The program clock in 90 kHz ticks, taken modulo 2^33. */
  readonly pcr?: number;
}

/** Writes the packets of one PID. The continuity counter runs on from unit to unit, over segments too. */
export class TsPid {
  readonly #pid: number;
  #counter: number;
  /** The next packet tells readers that its counter does not continue from the one before. */
  #joint: boolean;

  /** `counter`: that of the first packet. `joint`: another muxer wrote this PID before, up to an unknown counter. */
  constructor(pid: number, options: { readonly counter?: number; readonly joint?: boolean } = {}) {
    this.#pid = pid;
    this.#counter = options.counter ?? 0;
    this.#joint = options.joint ?? false;
  }

  /** The counter of the next packet with a payload, 0–15. */
  get counter(): number {
    return this.#counter;
  }

  /** Bytes of a unit that fit in its first packet. */
  room(marks: UnitMarks = {}): number {
    return PAYLOAD_BYTES - this.#fieldBytes(marks);
  }

  /** The packets of a whole PES packet. The last one is filled up with stuffing in its adaptation field. */
  unit(bytes: Uint8Array, marks: UnitMarks = {}): Uint8Array {
    const first = Math.min(bytes.length, this.room(marks));
    const count = 1 + Math.ceil((bytes.length - first) / PAYLOAD_BYTES);
    const packets = new Uint8Array(count * TS_PACKET_BYTES);
    let from = 0;
    for (let index = 0; index < count; index++) {
      const payload = bytes.subarray(from, from + (index === 0 ? first : PAYLOAD_BYTES));
      const packet = packets.subarray(index * TS_PACKET_BYTES, (index + 1) * TS_PACKET_BYTES);
      this.#write(packet, payload, index === 0, index === 0 ? marks : {});
      from += payload.length;
    }
    return packets;
  }

  /** The packet of a table's section, which must fit into one. Tables are padded behind the section. */
  section(bytes: Uint8Array): Uint8Array {
    const payload = new Uint8Array(PAYLOAD_BYTES).fill(0xff);
    payload[0] = 0; // pointer: the section begins at once
    payload.set(bytes, 1);
    const packet = new Uint8Array(TS_PACKET_BYTES);
    this.#write(packet, payload, true, {});
    return packet;
  }

  /** A packet with the program clock only, which readers expect every 100 ms; it does not advance the counter. */
  clock(pcr: number): Uint8Array {
    const packet = new Uint8Array(TS_PACKET_BYTES);
    this.#write(packet, new Uint8Array(0), false, { pcr });
    return packet;
  }

  #fieldBytes({ randomAccess, pcr }: UnitMarks): number {
    if (pcr !== undefined) return 2 + PCR_BYTES;
    return randomAccess || this.#joint ? 2 : 0;
  }

  #write(packet: Uint8Array, payload: Uint8Array, unitStart: boolean, marks: UnitMarks): void {
    const { randomAccess, pcr } = marks;
    const field = PAYLOAD_BYTES - payload.length;
    const carries = payload.length > 0;
    packet[0] = SYNC_BYTE;
    packet[1] = (unitStart ? 0x40 : 0) | (this.#pid >> 8);
    packet[2] = this.#pid & 0xff;
    packet[3] = (field > 0 ? 0x20 : 0) | (carries ? 0x10 : 0);
    packet[3] |= carries ? this.#counter : (this.#counter + 15) & 15;
    if (field > 0) packet[HEADER_BYTES] = field - 1;
    if (field > 1) {
      packet.fill(0xff, HEADER_BYTES + 1, HEADER_BYTES + field);
      packet[HEADER_BYTES + 1] =
        (this.#joint ? DISCONTINUITY : 0) |
        (randomAccess ? RANDOM_ACCESS : 0) |
        (pcr === undefined ? 0 : HAS_PCR);
      if (pcr !== undefined) writePcr(packet, HEADER_BYTES + 2, pcr);
      this.#joint = false;
    }
    packet.set(payload, HEADER_BYTES + field);
    if (carries) this.#counter = (this.#counter + 1) & 15;
  }
}
