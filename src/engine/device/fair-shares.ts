/** Counts the device time that each stream has used, to find the one that is furthest behind. */

/**
 * Device time that a stream may have in credit. It keeps the time that passes between its frames, and a stream that is
 * new or was idle gets at most this much ahead of the others.
 */
const CREDIT_MS = 500;

/**
 * Start-time fair queueing (Goyal, Vin and Cheng, 1996). Each stream has a virtual time, in ms, that advances by the
 * device time that is charged to it; the device's own is that of the latest stream given a turn. No stream lies more
 * than `CREDIT_MS` behind the device, so that neither a new one nor one that was idle for long starves the others.
 */
export class FairShares {
  /** A stream that is absent is as far behind as allowed. */
  readonly #times = new Map<string, number>();
  #now = 0;

  /** The virtual time of the device. */
  get now(): number {
    return this.#now;
  }

  /** The virtual time of a stream: the lowest is the furthest behind. */
  timeOf(stream: string): number {
    const earliest = this.#now - CREDIT_MS;
    return Math.max(this.#times.get(stream) ?? earliest, earliest);
  }

  /** Gives a turn to a stream: the device's time follows its. */
  begin(stream: string): void {
    this.#now = Math.max(this.#now, this.timeOf(stream));
  }

  /** Moves a stream forward by device time that it used. */
  charge(stream: string, ms: number): void {
    this.#times.set(stream, this.timeOf(stream) + ms);
    // A stream that is as far behind as allowed is as good as a new one.
    for (const [each, time] of this.#times) {
      if (time <= this.#now - CREDIT_MS) this.#times.delete(each);
    }
  }
}
