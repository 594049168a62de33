/** Derives decoding times from the presentation times of pictures in decode order, for containers without them. */
import { TICKS_PER_SECOND, type Ticks, ticks } from "../../media/time.ts";

/** No codec here shows a picture later than so many that are decoded after it. */
const MAX_DEPTH = 16;
/** Times further back are not a reordered picture but a clock that was set anew, and so is a leap ahead. */
const MAX_BACK_TICKS = TICKS_PER_SECOND;
const MAX_AHEAD_TICKS = 10 * TICKS_PER_SECOND;

/**
 * The decoding time of a picture is the presentation time of the one that it overtakes: of all pictures so far, the one
 * that so many are later than as the stream reorders. Times only rise, except where a clock is set anew. How
 * deep a stream reorders is seen as its pictures come.
 */
export class DecodeClock {
  #depth = 0;
  /** The first presentation time of the clock, and the latest ones, latest first. */
  #first = 0;
  #latest: number[] = [];
  #last: number | null = null;
  #atFileStart = true;

  /** A new file begins, whose clock may begin again. */
  restart(): void {
    this.#atFileStart = true;
  }

  /**
   * The decoding time of the next picture in decode order. `depth`: how many pictures may overtake one, as the
   * stream says; `step`: how long one lasts.
   */
  next(pts: Ticks, depth: number, step: number): Ticks {
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
    const due = this.#latest[this.#depth] ?? this.#first - missing * step;
    this.#last = this.#last === null ? due : Math.max(due, this.#last + 1);
    return ticks(this.#last);
  }
}
