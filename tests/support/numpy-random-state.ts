/** Draws the normal numbers of `numpy.random.RandomState(seed).randn` with the product's Mersenne Twister, equal to the last bit. */
import { MersenneTwister } from "../../src/engine/random/mersenne-twister.ts";

/** numpy's legacy generator: doubles of 53 bits, and normals by Marsaglia's polar method. */
export class NumpyRandomState {
  readonly #engine: MersenneTwister;
  /** The second normal of a pair; it outlives the call that drew it. */
  #spare: number | null = null;

  /** Throws `RangeError` for what numpy refuses: anything but an integer from 0 to 2³² − 1. */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
      throw new RangeError(
        `seed is ${seed}; numpy's RandomState takes an integer from 0 to 2^32-1`,
      );
    }
    this.#engine = new MersenneTwister(seed);
  }

  /** The next `count` normals. */
  randn(count: number): Float64Array<ArrayBuffer> {
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = this.#normal();
    return values;
  }

  #normal(): number {
    const spare = this.#spare;
    if (spare !== null) {
      this.#spare = null;
      return spare;
    }
    for (;;) {
      const x1 = 2 * this.#double() - 1;
      const x2 = 2 * this.#double() - 1;
      const square = x1 * x1 + x2 * x2;
      if (square === 0 || square >= 1) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = factor * x1;
      return factor * x2;
    }
  }

  /** A double in [0, 1). */
  #double(): number {
    const high = this.#engine.next() >>> 5;
    const low = this.#engine.next() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}
