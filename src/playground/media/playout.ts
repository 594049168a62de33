/** Chooses when decoded pictures are shown: as soon as they come, or as late as the latest of the last seconds. Milliseconds. */

/** Longest delay; a picture that comes later is shown when it comes. */
const MAX_DELAY = 300;
/** The share by which a late picture is forgotten with each one after it: half of it in six seconds. */
const FORGET_LATE = 1 / 256;
/** The share by which the earliest picture is forgotten, since clocks drift. */
const FORGET_EARLY = 1 / 512;
/** Media times that jump this far have begun again. */
const JUMP = 800;

export class Playout {
  /** The least time from a picture's media time to its arrival. */
  #earliest: number | null = null;
  /** How much later than the earliest the late ones have come. */
  #late = 0;
  #due = Number.NEGATIVE_INFINITY;

  /** When to show a picture of this media time that has come `now`, by the same clock; never before the last one. */
  due(media: number, now: number): number {
    const transit = now - media;
    if (this.#earliest === null || Math.abs(transit - this.#earliest) > JUMP) {
      this.#earliest = transit;
      this.#due = now;
      return now;
    }
    if (transit < this.#earliest) this.#earliest = transit;
    else this.#earliest += (transit - this.#earliest) * FORGET_EARLY;
    this.#late = Math.max(transit - this.#earliest, this.#late * (1 - FORGET_LATE));
    const delay = Math.min(MAX_DELAY, this.#late);
    this.#due = Math.max(now, this.#due, media + this.#earliest + delay);
    return this.#due;
  }
}
