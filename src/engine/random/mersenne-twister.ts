/** Generates the 32-bit numbers of MT19937, the engine below the random numbers of torch (CPU) and numpy. */

const WORDS = 624;
const MIDDLE = 397;

/** Matsumoto and Nishimura 1998, seeded by their `init_genrand`. */
export class MersenneTwister {
  readonly #state = new Uint32Array(WORDS);
  #next = WORDS;

  /** @param seed its low 32 bits count */
  constructor(seed: number) {
    const state = this.#state;
    let previous = seed >>> 0;
    state[0] = previous;
    for (let i = 1; i < WORDS; i++) {
      previous = (Math.imul(1812433253, previous ^ (previous >>> 30)) + i) >>> 0;
      state[i] = previous;
    }
  }

  /** The next number, 0 to 2³² − 1. */
  next(): number {
    if (this.#next === WORDS) this.#twist();
    let word = this.#state[this.#next++] as number;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < WORDS; i++) {
      const upper = (state[i] as number) & 0x80000000;
      const lower = (state[i + 1 < WORDS ? i + 1 : 0] as number) & 0x7fffffff;
      const mixed = upper | lower;
      const far = state[i < WORDS - MIDDLE ? i + MIDDLE : i + MIDDLE - WORDS] as number;
      state[i] = far ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
