/** One stream's prompts over its media time: a change takes a second, and motion never jumps. */
import type { Prompt } from "../protocol/work.ts";
import { MOTION_PERIOD, OFFSETS } from "./controls.ts";
import { encodePrompts } from "./lexicon.ts";

/** Seconds of media time from one prompt to the next. */
const MORPH_SECONDS = 1;

export class PromptMorph {
  #prompts: readonly Prompt[] | null = null;
  #from = new Float32Array();
  #to = new Float32Array();
  /** Seconds at which `from` was left, and what `motion` was then. */
  #since = 0;
  #motion = 0;
  #last = 0;

  /**
   * The vector for the frame at this media time, which does not fall from call to call. The same
   * prompts at the same times give the same numbers. `motion` is the sum of `speed` over time.
   */
  at(prompts: readonly Prompt[], seconds: number): Float32Array<ArrayBuffer> {
    if (!sameAs(prompts, this.#prompts)) this.#change(prompts, seconds);
    this.#prompts = prompts;
    this.#last = seconds;
    return this.#vectorAt(seconds);
  }

  #change(prompts: readonly Prompt[], seconds: number): void {
    const next = encodePrompts(prompts);
    if (this.#prompts === null) {
      this.#from = next;
      this.#since = seconds;
      this.#motion = seconds * speedOf(next);
    } else {
      // From the frame before: so the first frame after the change differs from it already.
      this.#from = this.#vectorAt(this.#last);
      this.#motion = this.#motionAt(this.#last);
      this.#since = this.#last;
    }
    this.#to = next;
  }

  #vectorAt(seconds: number): Float32Array<ArrayBuffer> {
    const weight = ease(this.#progress(seconds));
    const from = this.#from;
    const vector = this.#to.map((to, at) => (from[at] ?? 0) * (1 - weight) + to * weight);
    vector[OFFSETS.motion] = this.#motionAt(seconds) % MOTION_PERIOD;
    return vector;
  }

  #motionAt(seconds: number): number {
    const [from, to] = [speedOf(this.#from), speedOf(this.#to)];
    const progress = this.#progress(seconds);
    const after = Math.max(0, seconds - this.#since - MORPH_SECONDS);
    const morphing = from * progress + (to - from) * eased(progress);
    return this.#motion + morphing * MORPH_SECONDS + to * after;
  }

  #progress(seconds: number): number {
    return Math.min(1, Math.max(0, (seconds - this.#since) / MORPH_SECONDS));
  }
}

const speedOf = (vector: Float32Array): number => vector[OFFSETS.speed] ?? 1;

/** Parameters come whole with every change: prompts that say the same are no change. */
const sameAs = (one: readonly Prompt[], other: readonly Prompt[] | null): boolean =>
  one === other || (other !== null && Bun.deepEquals(one, other));

/** 0 to 1, brisk at first, so that who types sees at once that it is heard, and gentle at its end. */
const ease = (t: number): number => t * (2 - t);
/** The area under `ease` up to `t`. */
const eased = (t: number): number => t * t - (t * t * t) / 3;
