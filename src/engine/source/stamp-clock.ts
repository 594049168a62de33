/** The 33-bit stamps of a program become times that go on rising (ISO/IEC 13818-1 §2.4.2). */
import { type Ticks, ticks } from "../../media/time.ts";

const PERIOD = 2 ** 33;

/** One for all tracks of an input, over changes of its program map too: they wrap at the same time. */
export class StampClock {
  #last: Ticks | null = null;

  /** The time a decoding stamp stands for, nearest to the last one asked for: a wrap is 26.5 h away. */
  unwrap(stamp: number): Ticks {
    this.#last = nearest(stamp, this.#last ?? ticks(stamp));
    return this.#last;
  }
}

/** The time nearest to `reference` that has these 33 bits. */
export function nearest(stamp: number, reference: Ticks): Ticks {
  const delta = (stamp - reference) % PERIOD;
  if (delta > PERIOD / 2) return ticks(reference + delta - PERIOD);
  if (delta < -PERIOD / 2) return ticks(reference + delta + PERIOD);
  return ticks(reference + delta);
}
