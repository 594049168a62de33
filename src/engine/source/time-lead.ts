/** Moves the timestamps of a file format so that no picture comes before time zero. */
import type { EncodedPacket } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND, ticks } from "../../media/time.ts";

/** Edits skip the part of a group of pictures at most; earlier times are damage. */
const MAX_LEAD = 60 * TICKS_PER_SECOND;

/** All tracks of an input move together. */
export class TimeLead {
  #lead = 0;

  /** The packet with times from zero on; null for audio that ends before zero: an encoder's priming. */
  move(packet: EncodedPacket): EncodedPacket | null {
    if (packet.kind === "video" && packet.pts >= -MAX_LEAD) {
      this.#lead = Math.max(this.#lead, -packet.pts);
    }
    const end = packet.pts + (packet.kind === "audio" ? packet.duration : 1) + this.#lead;
    if (end <= 0) return null;
    return this.#lead > 0 ? later(packet, this.#lead) : packet;
  }
}

function later<T extends EncodedPacket>(packet: T, by: number): T {
  const pts = ticks(packet.pts + by);
  return packet.kind === "video"
    ? { ...packet, pts, dts: ticks(packet.dts + by) }
    : { ...packet, pts };
}
