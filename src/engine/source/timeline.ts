/** Input clocks may jump back when a publisher starts again; the output's may not. */
import type { EncodedPacket } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";

/** Reordering and interleaving move stamps about by less than this; a restart by more. */
const JUMP_BACK_TICKS = TICKS_PER_SECOND;
/** A pause may be long; a jump ahead by more is a new clock. */
const JUMP_AHEAD_TICKS = 600 * TICKS_PER_SECOND;
/** How far behind the last stamp a new clock begins. */
const JOINT_TICKS = TICKS_PER_SECOND / 25;

/**
 * Shifts all packets of a stream, sound and picture alike, by one offset: zero while the input's clock
 * runs on, a new one when it jumps.
 */
export class Timeline {
  #offset = 0;
  #last: Ticks | null;

  /** `resumeAfter`: the first stamp comes out later than this (a stream taken up by a new engine). */
  constructor(resumeAfter: Ticks | null) {
    this.#last = resumeAfter;
  }

  /** The packet on the output's clock. */
  map<T extends EncodedPacket>(packet: T): T {
    const stamp = packet.kind === "video" ? packet.dts : packet.pts;
    const moved = stamp + this.#offset;
    if (this.#last === null) {
      this.#last = ticks(moved);
    } else if (moved < this.#last - JUMP_BACK_TICKS || moved > this.#last + JUMP_AHEAD_TICKS) {
      this.#offset = this.#last + JOINT_TICKS - stamp;
      this.#last = ticks(stamp + this.#offset);
    } else {
      this.#last = ticks(Math.max(this.#last, moved));
    }
    if (this.#offset === 0) return packet;
    const shift = (value: Ticks): Ticks => ticks(value + this.#offset);
    return packet.kind === "video"
      ? { ...packet, pts: shift(packet.pts), dts: shift(packet.dts) }
      : { ...packet, pts: shift(packet.pts) };
  }
}
