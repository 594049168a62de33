/** Maps the timestamps of an input, which may jump when its publisher restarts, to a timeline that only rises. */
import type { EncodedPacket, VideoPacket } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";

type Kind = EncodedPacket["kind"];

/** A replacement engine joins at most this far back. */
const REJOIN_TICKS = TICKS_PER_SECOND;
/** Audio and video start at most this far apart: edit lists delay a track by seconds. */
const APART_TICKS = 10 * TICKS_PER_SECOND;
/** How far timestamps of one track may go back without being a new clock: decode times only rise. */
const BACK_TICKS = { video: 0, audio: TICKS_PER_SECOND / 10 } as const;
/** A pause of the input may be this long; a larger jump ahead is a new clock. */
const MAX_PAUSE_TICKS = 600 * TICKS_PER_SECOND;
/** Timestamps may run ahead of the time that has passed by this much: a sender catches up, or segments were skipped. */
const CATCH_UP_TICKS = APART_TICKS;
/** Duration of a picture as long as no distance between two has been measured. */
const DEFAULT_PICTURE_TICKS = TICKS_PER_SECOND / 25;
/** A longer distance between two pictures is a pause. */
const MAX_PICTURE_TICKS = TICKS_PER_SECOND;
/** The tracks of a clock that ended may end this far apart. */
const MAX_OVERHANG_TICKS = TICKS_PER_SECOND;
/** Audio that an encoder adds to fill its last packets: a picture after it would be late by that much. */
const MAX_PADDING_TICKS = TICKS_PER_SECOND / 10;

/** Times of one track on the output's timeline. */
interface Track {
  /** The latest timestamp of its current clock. */
  readonly latest: number;
  /** Duration of a picture or an audio packet. */
  readonly step: number;
  /** Where its last picture or sound of this clock ends. Reordered pictures are shown after the last decode time. */
  readonly end: number;
  /** False between the start of a new clock and the track's first packet on it. */
  readonly started: boolean;
}

/**
 * Shifts all packets of a stream, audio and video alike, by one offset. It is zero until the input's clock jumps, and
 * changes with every jump, also where a clock restarts with every short segment. Timestamps that jump ahead while no
 * such time has passed are a new clock, too: players stall in a hole of the timeline. A new clock begins where
 * the last picture ended, so that output time follows the duration of the pictures however many clocks
 * there are. Audio of the old clock may reach past that, in which case its timestamps overlap.
 */
export class Timeline {
  #offset = 0;
  /** The latest timestamp of all; of another engine at first. */
  #latest: Ticks | null;
  /** The first timestamp since the clock began. */
  #start = 0;
  /** When the last packet arrived; null before the first. */
  #arrivedAt: number | null = null;
  readonly #tracks = new Map<Kind, Track>();

  /** `resumeAfter`: where a replacement engine resumes; all timestamps are later. */
  constructor(resumeAfter: Ticks | null) {
    this.#latest = resumeAfter;
  }

  /** The packet with its times on the output's timeline. */
  map<T extends EncodedPacket>(packet: T): T {
    const { kind } = packet;
    const stamp = packet.kind === "video" ? packet.dts : packet.pts;
    const maxJump = this.#maxJump(packet.arrivedAt);
    this.#arrivedAt = packet.arrivedAt;
    const latest = this.#latest;
    const now = stamp + this.#offset;
    if (latest !== null && (now > latest + maxJump || this.#isBack(kind, now, latest))) {
      this.#offset = this.#end(packet, latest) - stamp;
      for (const [each, track] of this.#tracks)
        this.#tracks.set(each, { ...track, started: false });
    } else if (packet.kind === "video") {
      this.#followPictures(packet);
    }
    const moved = stamp + this.#offset;
    if (!this.#hasStarted) this.#start = moved;
    this.#latest = ticks(Math.max(this.#latest ?? moved, moved));
    this.#record(packet, moved);
    if (this.#offset === 0) return packet;
    const shift = (value: Ticks): Ticks => ticks(value + this.#offset);
    return packet.kind === "video"
      ? { ...packet, pts: shift(packet.pts), dts: shift(packet.dts) }
      : { ...packet, pts: shift(packet.pts) };
  }

  get #hasStarted(): boolean {
    return [...this.#tracks.values()].some(({ started }) => started);
  }

  /** How far timestamps may jump ahead on one clock: a pause takes as long as it says. */
  #maxJump(arrivedAt: number): number {
    const passedMs = this.#arrivedAt === null ? 0 : Math.max(0, arrivedAt - this.#arrivedAt);
    const passed = (passedMs * TICKS_PER_SECOND) / 1000;
    return Math.min(passed + CATCH_UP_TICKS, MAX_PAUSE_TICKS);
  }

  /** Whether a time lies so far back that it belongs to a new clock. */
  #isBack(kind: Kind, moved: number, latest: number): boolean {
    // A track that has started is compared with itself: its distance from the other track is the sender's choice.
    const own = this.#tracks.get(kind);
    if (own?.started) return moved < own.latest - BACK_TICKS[kind];
    if (!this.#hasStarted) return moved < latest - REJOIN_TICKS;
    // One that starts is compared with the other's start: fragments bring seconds of video before their audio.
    return moved < this.#start - APART_TICKS;
  }

  /** Where a new clock begins whose first packet is of this kind: at the end of its track, unless the other went on alone. */
  #end(packet: EncodedPacket, latest: number): number {
    const { kind } = packet;
    const endOf = (track: Track | undefined): number | null =>
      track ? startAfter(track, packet) : null;
    const own = endOf(this.#tracks.get(kind));
    const other = endOf(this.#tracks.get(kind === "video" ? "audio" : "video"));
    if (own === null) return other ?? latest + DEFAULT_PICTURE_TICKS;
    return other !== null && other > own + MAX_OVERHANG_TICKS ? other : own;
  }

  /** The first picture of a clock that began with audio continues the pictures before it; later audio moves with it. */
  #followPictures(packet: VideoPacket): void {
    const video = this.#tracks.get("video");
    if (!video || video.started) return;
    const start = startAfter(video, packet);
    if (packet.dts + this.#offset <= start + MAX_PADDING_TICKS) this.#offset = start - packet.dts;
  }

  #record(packet: EncodedPacket, moved: number): void {
    const track = this.#tracks.get(packet.kind);
    const latest = track?.started ? Math.max(track.latest, moved) : moved;
    const before = track?.step ?? DEFAULT_PICTURE_TICKS;
    const distance = track?.started ? moved - track.latest : 0;
    const isPicture = distance > 0 && distance <= MAX_PICTURE_TICKS;
    const step = packet.kind === "audio" ? packet.duration : isPicture ? distance : before;
    const end = packet.pts + this.#offset + step;
    const latestEnd = track?.started ? Math.max(track.end, end) : end;
    this.#tracks.set(packet.kind, { latest, step, end: latestEnd, started: true });
  }
}

/** The time of the first packet after a track: both its decode times and its presentation times go on rising. */
function startAfter({ latest, step, end }: Track, packet: EncodedPacket): number {
  const delay = packet.kind === "video" ? packet.pts - packet.dts : 0;
  return Math.max(latest + step, end - delay);
}
