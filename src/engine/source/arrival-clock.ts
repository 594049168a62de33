/** When a frame of a live input is due, whatever lumps the network brings it in. */
import { TICKS_PER_SECOND, type Ticks } from "../../media/time.ts";

/** The worst delay of this long ago is forgotten; two segments of a gateway lie closer. */
const MEMORY_MS = 5000;

/** A sender that was away longer has frames to give that nobody waits for any more. */
const FORGIVEN_MS = 4000;

/** Whole segments come when their last frame is there, ten seconds after the first where key frames are rare. */
const MAX_SEGMENT_MS = 12_000;

/**
 * A sender that buffers delivers many frames at once: the oldest of them late, the newest in time. Each
 * is due as much after its pts as the latest of the last seconds was, so that a burst plays out at its own
 * pace; where frames come evenly they are due as they arrive. More than four seconds are not forgiven, but to
 * a segment that is longer. Costs no delay by itself: who is ready earlier may take them earlier.
 */
export class ArrivalClock {
  #worst = Number.NEGATIVE_INFINITY;
  #worstBefore = Number.NEGATIVE_INFINITY;
  /** Of the newest frame: a sender that has caught up is back at its usual delay. */
  #latest = Number.NEGATIVE_INFINITY;
  #since = Number.NEGATIVE_INFINITY;
  #segment: { readonly from: Ticks; ms: number } | null = null;
  /** Of the segment before. */
  #lengthBefore = 0;

  /** What is seen from here on is of the next segment. */
  nextSegment(): void {
    this.#lengthBefore = this.#segment?.ms ?? 0;
    this.#segment = null;
  }

  /** Takes note of a frame. */
  saw(frame: { readonly pts: Ticks; readonly arrivedAt: number }): void {
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
    const forgiven = Math.max(FORGIVEN_MS, Math.min(length, MAX_SEGMENT_MS));
    return milliseconds(pts) + Math.min(worst, this.#latest + forgiven);
  }
}

const milliseconds = (pts: Ticks): number => (pts * 1000) / TICKS_PER_SECOND;
