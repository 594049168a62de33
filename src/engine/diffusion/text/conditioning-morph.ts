/** Follows the prompt of a stream: blends from one conditioning to the next over several frames. */
import type { Conditioning } from "./conditioning.ts";
import { type BlendMethod, blendConditionings } from "./conditioning-blend.ts";

interface MorphOptions {
  /** How long a change takes, in the unit of the times given to `at`: frames, or seconds. */
  readonly duration: number;
  readonly method: BlendMethod;
  /** The conditioning of the empty prompt, one chunk. */
  readonly empty: Conditioning;
}

/**
 * Follows the conditioning that a stream asks for. A change while another one is under way starts from what was last
 * shown, so nothing jumps.
 *
 * ```ts
 * const morph = new ConditioningMorph({ duration: 8, method: "linear", empty });
 * const shown = morph.at(wanted, frameNumber); // the same `wanted` object until the prompt changes
 * ```
 */
export class ConditioningMorph {
  readonly #options: MorphOptions;
  /** What the change under way started from; null while there is none. */
  #from: Conditioning | null = null;
  #to: Conditioning | null = null;
  #shown: Conditioning | null = null;
  /** The time of the last call before the change, and of the last call. */
  #since = 0;
  #last = 0;

  constructor(options: MorphOptions) {
    this.#options = options;
  }

  /**
   * The conditioning for this time, which does not fall from call to call, on the way to `target`, which is compared
   * by identity. The first one is shown at once. The first frame after a change already differs from the one before
   * it. Once a change is finished the result is `target` itself, not a copy; before that each call makes a new object.
   * While prompts of different lengths blend, the result has the tokens of the longer one.
   */
  at(target: Conditioning, time: number): Conditioning {
    if (target !== this.#to) {
      this.#from = this.#shown;
      this.#to = target;
      this.#since = this.#last;
    }
    this.#last = time;
    const { duration, method, empty } = this.#options;
    const progress = duration > 0 ? (time - this.#since) / duration : 1;
    if (this.#from === null || progress >= 1) {
      this.#from = null;
      this.#shown = target;
    } else {
      this.#shown = blendConditionings(this.#from, target, ease(progress), method, empty);
    }
    return this.#shown;
  }
}

/** 0 to 1: fast at first, so that a change is seen at once, and slow towards its end. */
const ease = (t: number): number => t * (2 - t);
