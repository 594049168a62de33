/** Unwraps the 33-bit timestamps of a transport stream (ISO/IEC 13818-1 §2.4.2). */
import { type Ticks, ticks } from "../../../media/time.ts";

const PERIOD = 2 ** 33;

/** Shared by all tracks of an input, also across changes of its program map: they wrap at the same time. */
export class StampClock {
  #last: Ticks | null = null;

  /** Returns the time of a decoding timestamp that is nearest to the previous one; they wrap every 26.5 h. */
  unwrap(stamp: number): Ticks {
    this.#last = nearest(stamp, this.#last ?? ticks(stamp));
    return this.#last;
  }
}

/** Returns the time nearest to `reference` whose low 33 bits are `stamp`. */
export function nearest(stamp: number, reference: Ticks): Ticks {
  const delta = (stamp - reference) % PERIOD;
  if (delta > PERIOD / 2) return ticks(reference + delta - PERIOD);
  if (delta < -PERIOD / 2) return ticks(reference + delta + PERIOD);
  return ticks(reference + delta);
}
