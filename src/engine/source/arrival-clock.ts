/** Decides when each frame of a live input is due, so that bursts of the network play out evenly. */
import { TICKS_PER_SECOND, type Ticks } from "../../media/time.ts";

/** The longest delay is remembered this long; the segments of a gateway arrive more often. */
const MEMORY_MS = 5000;

/** Frames that were held back longer than this are not waited for. */
const MAX_DELAY_MS = 4000;

/** A sender of whole segments sends when the last frame is there: ten seconds after the first where key frames are rare. */
const MAX_SEGMENT_MS = 12_000;

/**
 * A sender that buffers delivers many frames at once: the oldest late, the newest in time. Every frame is due as long
 * after its pts as the most delayed frame of the last seconds was, so that a burst plays out at its own rate; frames that
 * arrive evenly are due on arrival. Delays beyond four seconds do not count, unless a segment is longer. Adds no latency:
 * a consumer that is ready early may take frames before they are due.
 */
export class ArrivalClock {
  #worst = Number.NEGATIVE_INFINITY;
  #worstBefore = Number.NEGATIVE_INFINITY;
  /** The delay of the newest frame: a sender that has caught up is back at its usual delay. */
  #latest = Number.NEGATIVE_INFINITY;
  #since = Number.NEGATIVE_INFINITY;
  #segment: { readonly from: Ticks; ms: number } | null = null;
  /** Length of the previous segment in milliseconds. */
  #lengthBefore = 0;

  /** The frames that follow belong to the next segment. */
  nextSegment(): void {
    this.#lengthBefore = this.#segment?.ms ?? 0;
    this.#segment = null;
  }

  /** Records the arrival of a frame. */
  record(frame: { readonly pts: Ticks; readonly arrivedAt: number }): void {
    if (frame.arrivedAt - this.#since > MEMORY_MS) {
      this.#worstBefore = this.#worst;
      this.#worst = Number.NEGATIVE_INFINITY;
      this.#since = frame.arrivedAt;
    }
    this.#segment ??= { from: frame.pts, ms: 0 };
    this.#segment.ms = Math.max(
      this.#segment.ms,
      milliseconds(frame.pts) - milliseconds(this.#segment.from),
    );
    this.#latest = frame.arrivedAt - milliseconds(frame.pts);
    this.#worst = Math.max(this.#worst, this.#latest);
  }

  /** `performance.now()` at which a frame with this pts is due. */
  dueAt(pts: Ticks): number {
    const worst = Math.max(this.#worst, this.#worstBefore);
    const length = Math.max(this.#lengthBefore, this.#segment?.ms ?? 0);
    const allowed = Math.max(MAX_DELAY_MS, Math.min(length, MAX_SEGMENT_MS));
    return milliseconds(pts) + Math.min(worst, this.#latest + allowed);
  }
}

const milliseconds = (pts: Ticks): number => (pts * 1000) / TICKS_PER_SECOND;
