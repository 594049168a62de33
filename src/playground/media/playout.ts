/** Schedules decoded pictures: adds just enough delay to absorb recent jitter. Times in milliseconds. */

/** Longest delay; a picture that comes later is shown when it comes. */
const MAX_DELAY = 300;
/** The share by which a late picture is forgotten with each one after it: half of it in six seconds at 30 a second. */
const FORGET_LATE = 1 / 256;
/** The share by which the earliest picture is forgotten, since clocks drift. */
const FORGET_EARLY = 1 / 512;
/** Media times that jump this far have begun again. */
const JUMP = 800;

export class Playout {
  /** The least time from a picture's media time to its arrival. */
  #earliest: number | null = null;
  /** The delay that late pictures need, compared with the earliest. */
  #late = 0;
  #due = Number.NEGATIVE_INFINITY;

  /** When to show a picture of this media time that has come `now`, by the same clock; never before the last one. */
  due(media: number, now: number): number {
    const transit = now - media;
    if (this.#earliest === null || Math.abs(transit - this.#earliest) > JUMP) {
      this.#earliest = transit;
      this.#due = Math.max(now, this.#due);
      return this.#due;
    }
    if (transit < this.#earliest) this.#earliest = transit;
    else this.#earliest += (transit - this.#earliest) * FORGET_EARLY;
    const late = Math.min(MAX_DELAY, transit - this.#earliest);
    this.#late = Math.max(late, this.#late * (1 - FORGET_LATE));
    this.#due = Math.max(now, this.#due, media + this.#earliest + this.#late);
    return this.#due;
  }
}
