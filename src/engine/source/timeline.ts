/** Maps the timestamps of an input, which may jump when its publisher restarts, to a timeline that only rises. */
import type { EncodedPacket } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";

/** A replacement engine joins at most this far back. */
const REJOIN_TICKS = TICKS_PER_SECOND;
/** Audio and video start at most this far apart: edit lists delay a track by seconds. */
const APART_TICKS = 10 * TICKS_PER_SECOND;
/** How far timestamps of one track may go back without being a new clock: decode times only rise. */
const BACK_TICKS = { video: 0, audio: TICKS_PER_SECOND / 10 } as const;
/** A pause of the input may be this long; a larger jump ahead is a new clock. */
const JUMP_AHEAD_TICKS = 600 * TICKS_PER_SECOND;
/** A new clock starts this long after the last timestamp of the old one. */
const JOINT_TICKS = TICKS_PER_SECOND / 25;

/**
 * Shifts all packets of a stream, audio and video alike, by one offset. It is zero until the input's clock jumps, and
 * changes with every jump, also where a clock restarts with every short segment.
 */
export class Timeline {
  #offset = 0;
  #last: Ticks | null;
  /** The first timestamp since the clock began. */
  #start = 0;
  /** The last timestamp of each track. */
  readonly #tracks = new Map<EncodedPacket["kind"], number>();

  /** `resumeAfter`: where a replacement engine resumes; all timestamps are later. */
  constructor(resumeAfter: Ticks | null) {
    this.#last = resumeAfter;
  }

  /** The packet with its times on the output's timeline. */
  map<T extends EncodedPacket>(packet: T): T {
    const stamp = packet.kind === "video" ? packet.dts : packet.pts;
    if (this.#last !== null && this.#isNewClock(packet.kind, stamp + this.#offset, this.#last)) {
      this.#offset = this.#last + JOINT_TICKS - stamp;
      this.#tracks.clear();
    }
    const moved = stamp + this.#offset;
    if (this.#tracks.size === 0) this.#start = moved;
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
    // A track that has started is compared with itself: its distance from the other track is the sender's choice.
    const own = this.#tracks.get(kind);
    if (own !== undefined) return moved < own - BACK_TICKS[kind];
    if (this.#tracks.size === 0) return moved < last - REJOIN_TICKS;
    // One that starts is compared with the other's start: fragments bring seconds of video before their audio.
    return moved < this.#start - APART_TICKS;
  }
}
