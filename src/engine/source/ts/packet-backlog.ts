/** Keeps the transport packets of programs that may yet be chosen, so that they lose no picture if they are. */
import type { TsPacket } from "./packet.ts";

/** More than the first pictures of a program take. */
const MAX_BYTES = 8 * 1024 * 1024;

export class PacketBacklog {
  #packets: TsPacket[] = [];
  #bytes = 0;

  /** Adds a copy of the packet. What exceeds the limit begins anew: pictures with a gap are of no use. */
  add(packet: TsPacket): void {
    if (this.#bytes + packet.payload.length > MAX_BYTES) this.clear();
    this.#bytes += packet.payload.length;
    this.#packets.push({ ...packet, payload: packet.payload.slice() });
  }

  /** Returns the packets, oldest first, and keeps none. */
  take(): TsPacket[] {
    const packets = this.#packets;
    this.clear();
    return packets;
  }

  clear(): void {
    if (this.#packets.length === 0) return;
    this.#packets = [];
    this.#bytes = 0;
  }
}
