/** Derives decoding times from the presentation times of pictures in decode order, for containers without them. */
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../../media/time.ts";

/** The deepest reordering of H.264 and H.265. */
const MAX_DEPTH = 16;
/** A time further back is not a reordered picture but a new clock, and so is a leap ahead. */
const MAX_BACK_TICKS = TICKS_PER_SECOND;
const MAX_AHEAD_TICKS = 10 * TICKS_PER_SECOND;
/** Duration of a picture as long as nothing tells it. */
const DEFAULT_STEP = TICKS_PER_SECOND / 25;
/** A longer distance between two pictures is a pause. */
const MAX_STEP = TICKS_PER_SECOND;

/**
 * A stream that reorders `n` deep decodes a picture at the time at which the (n+1)-th latest of the pictures so far is
 * shown. Parameter sets state the depth; where they do not, it grows as reordered pictures are seen. Times only rise,
 * except where a clock starts anew.
 */
export class DecodeClock {
  #depth = 0;
  /** The first presentation time of the clock, and the latest ones, latest first. */
  #first = 0;
  #latest: number[] = [];
  #last: number | null = null;
  /** The distance of the last two pictures. */
  #step: number | null = null;
  #atFileStart = true;

  /** A new file begins, whose clock may begin again. */
  restart(): void {
    this.#atFileStart = true;
  }

  /**
   * The decoding time of the next picture in decode order. `depth`: how deep the stream says that it reorders;
   * `step`: the duration of a picture, null if the container does not state it.
   */
  next(pts: Ticks, depth: number, step: number | null): Ticks {
    const last = this.#last;
    const back = this.#atFileStart ? 0 : MAX_BACK_TICKS;
    this.#atFileStart = false;
    if (last === null || pts < last - back || pts > last + MAX_AHEAD_TICKS) {
      this.#last = null;
      this.#first = pts;
      this.#latest = [];
    }
    const overtaken = this.#latest.filter((time) => time > pts).length;
    this.#depth = Math.min(MAX_DEPTH, Math.max(this.#depth, depth, overtaken));
    this.#latest.splice(overtaken, 0, pts);
    if (this.#latest.length > MAX_DEPTH + 1) this.#latest.pop();
    const missing = this.#depth + 1 - this.#latest.length;
    const own = step ?? this.#step ?? DEFAULT_STEP;
    const due = this.#latest[this.#depth] ?? this.#first - missing * own;
    const distance = due - (this.#last ?? due);
    if (missing < 0 && distance > 0 && distance <= MAX_STEP) this.#step = distance;
    this.#last = this.#last === null ? due : Math.max(due, this.#last + 1);
    return ticks(this.#last);
  }
}
