/** Blends one prompt vector into the next over media time: a change takes a second, and motion never jumps. */
import { defaultControls, MOTION_PERIOD, OFFSETS } from "./controls.ts";

/** Seconds of media time from one vector to the next. */
const MORPH_SECONDS = 1;

export class PromptMorph {
  #started = false;
  #from = defaultControls();
  #to = defaultControls();
  /** Media time in seconds at which `from` was left, and what `motion` was then. */
  #since = 0;
  #motion = 0;
  #last = 0;

  /**
   * The vector for the frame at this media time, which does not fall from call to call, on the way to `target`:
   * an encoded prompt, compared by identity. The same targets at the same times give the same numbers. `motion`
   * is the sum of `speed` over time.
   */
  at(target: Float32Array<ArrayBuffer>, seconds: number): Float32Array<ArrayBuffer> {
    if (target !== this.#to) this.#change(target, seconds);
    this.#last = seconds;
    return this.#vectorAt(seconds);
  }

  #change(target: Float32Array<ArrayBuffer>, seconds: number): void {
    if (!this.#started) {
      this.#started = true;
      this.#from = target;
      this.#since = seconds;
      this.#motion = seconds * speedOf(target);
    } else {
      // From the frame before: so the first frame after the change differs from it already.
      this.#from = this.#vectorAt(this.#last);
      this.#motion = this.#motionAt(this.#last);
      this.#since = this.#last;
    }
    this.#to = target;
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

/** 0 to 1: fast at first, so that a change is seen at once, and slow towards its end. */
const ease = (t: number): number => t * (2 - t);
/** The area under `ease` up to `t`. */
const eased = (t: number): number => t * t - (t * t * t) / 3;
