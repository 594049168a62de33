/** Input clocks may jump back when a publisher starts again; the output's may not. */
import type { EncodedPacket } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";

/** Sound and picture begin this far apart at most, and a new engine joins this far back. */
const APART_TICKS = TICKS_PER_SECOND;
/** How far the stamps of one track may go back and still be of the same clock: decoding stamps only rise. */
const BACK_TICKS = { video: 0, audio: TICKS_PER_SECOND / 10 } as const;
/** A pause may be long; a jump ahead by more is a new clock. */
const JUMP_AHEAD_TICKS = 600 * TICKS_PER_SECOND;
/** How far behind the last stamp a new clock begins. */
const JOINT_TICKS = TICKS_PER_SECOND / 25;

/**
 * Shifts all packets of a stream, sound and picture alike, by one offset: zero while the input's clock
 * runs on, a new one when it jumps. A clock that begins again with every short segment is no exception.
 */
export class Timeline {
  #offset = 0;
  #last: Ticks | null;
  /** The last stamp of each track. */
  readonly #tracks = new Map<EncodedPacket["kind"], number>();

  /** `resumeAfter`: the first stamp comes out later than this (a stream taken up by a new engine). */
  constructor(resumeAfter: Ticks | null) {
    this.#last = resumeAfter;
  }

  /** The packet on the output's clock. */
  map<T extends EncodedPacket>(packet: T): T {
    const stamp = packet.kind === "video" ? packet.dts : packet.pts;
    if (this.#last !== null && this.#isNewClock(packet.kind, stamp + this.#offset, this.#last)) {
      this.#offset = this.#last + JOINT_TICKS - stamp;
      this.#tracks.clear();
    }
    const moved = stamp + this.#offset;
    this.#last = ticks(Math.max(this.#last ?? moved, moved));
    this.#tracks.set(packet.kind, Math.max(this.#tracks.get(packet.kind) ?? moved, moved));
    if (this.#offset === 0) return packet;
    const shift = (value: Ticks): Ticks => ticks(value + this.#offset);
    return packet.kind === "video"
      ? { ...packet, pts: shift(packet.pts), dts: shift(packet.dts) }
      : { ...packet, pts: shift(packet.pts) };
  }

  #isNewClock(kind: EncodedPacket["kind"], moved: number, last: Ticks): boolean {
    if (moved > last + JUMP_AHEAD_TICKS) return true;
    // A track that has begun is judged by itself: how far it lies behind the other is its sender's choice.
    const own = this.#tracks.get(kind);
    return own === undefined ? moved < last - APART_TICKS : moved < own - BACK_TICKS[kind];
  }
}
