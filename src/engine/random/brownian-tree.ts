/** Samples one Brownian path at any times: the random numbers of the SDE samplers, as torchsde draws them. */
import { seedSequence } from "./seed-sequence.ts";
import { TorchGenerator } from "./torch-noise.ts";

const POOL_SIZE = 24;
/** Positions that are remembered; an SDE sampler asks for both ends of a step and a point between them. */
const REMEMBERED = 3;

/**
 * A Brownian motion over [start, end] for `size` values at once. Which values it takes at a time depends on the seed
 * and the time alone, not on what was asked before (Li, Wong, Chen and Duvenaud 2020, "virtual Brownian tree"): the
 * increment over an interval is halved again and again by a Brownian bridge, each half with a seed of its own.
 * torchsde rounds all times to six decimals; so does this.
 *
 * ```ts
 * const tree = new BrownianTree(42n, 0.0291675, 14.614642, 4 * 64 * 64);
 * tree.increment(9, 14.614642, values); // W(14.614642) − W(9)
 * ```
 */
export class BrownianTree {
  readonly #seed: bigint;
  readonly #start: number;
  readonly #end: number;
  readonly #size: number;
  readonly #total: Float64Array;
  readonly #noise: Float32Array<ArrayBuffer>;
  readonly #positions = new Map<number, Float64Array>();

  /** Throws `RangeError` if the interval is empty or not finite, or the seed negative. */
  constructor(seed: bigint, start: number, end: number, size: number) {
    if (!(start < end) || !Number.isFinite(end - start)) {
      throw new RangeError(
        `a Brownian tree from ${start} to ${end}; the end must exceed the start`,
      );
    }
    if (seed < 0n) throw new RangeError(`seed is ${seed}; give 0 or greater`);
    this.#seed = seed;
    this.#start = round6(start);
    this.#end = round6(end);
    this.#size = size;
    this.#noise = new Float32Array(size);
    this.#draw([]);
    const scale = Math.sqrt(end - start);
    this.#total = Float64Array.from(this.#noise, (value) => value * scale);
  }

  /**
   * Writes W(to) − W(from) into `out`, which holds `size` values. Times outside of the interval are clamped to it.
   */
  increment(from: number, to: number, out: Float32Array): void {
    const first = this.#position(from);
    const last = this.#position(to);
    for (let i = 0; i < out.length; i++) out[i] = (last[i] as number) - (first[i] as number);
  }

  /** W(time), where W(start) is 0. */
  #position(time: number): Float64Array {
    const rounded = Math.min(Math.max(round6(time), this.#start), this.#end);
    const remembered = this.#positions.get(rounded);
    if (remembered !== undefined) return remembered;
    const position = this.#descend(rounded);
    if (this.#positions.size === REMEMBERED) {
      this.#positions.delete(this.#positions.keys().next().value as number);
    }
    this.#positions.set(rounded, position);
    return position;
  }

  /** Halves the interval that contains `time` until one of its ends is `time`. */
  #descend(time: number): Float64Array {
    const position = new Float64Array(this.#size);
    if (time === this.#start) return position;
    const increment = this.#total.slice();
    let low = this.#start;
    let high = this.#end;
    let key = 0n;
    for (let depth = 0n; time !== high; depth++) {
      const middle = round6((low + high) / 2);
      this.#draw([key, depth]);
      const share = (middle - low) / (high - low);
      const spread = Math.sqrt(((middle - low) * (high - middle)) / (high - low));
      const isLeft = time <= middle;
      for (let i = 0; i < increment.length; i++) {
        const whole = increment[i] as number;
        const left = whole * share + spread * (this.#noise[i] as number);
        if (!isLeft) position[i] = (position[i] as number) + left;
        increment[i] = isLeft ? left : whole - left;
      }
      if (isLeft) high = middle;
      else low = middle;
      key = 2n * key + (isLeft ? 0n : 1n);
    }
    for (let i = 0; i < position.length; i++) {
      position[i] = (position[i] as number) + (increment[i] as number);
    }
    return position;
  }

  /** Draws the noise of one node; the root's spawn key is empty. */
  #draw(spawnKey: readonly bigint[]): void {
    const [seed = 0] = seedSequence(this.#seed, spawnKey, POOL_SIZE, 1);
    new TorchGenerator(seed).fill(this.#noise);
  }
}

/** Rounds to six decimals as Python does: the exact value of the double counts, and a tie goes to the even digit. */
function round6(value: number): number {
  const rounded = Number(value.toFixed(6));
  // A double that lies exactly between two such decimals is an odd multiple of 1/128; toFixed rounds it up.
  const eighths = value * 128;
  if (!Number.isInteger(eighths) || eighths % 2 === 0) return rounded;
  const millionths = Math.floor(value * 1e6);
  return (millionths % 2 === 0 ? millionths : millionths + 1) / 1e6;
}
