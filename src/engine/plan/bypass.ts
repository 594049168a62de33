/** Decides when frames bypass the runs in progress, so that viewers see the fallback meanwhile, and what is done with the late results. */
import type { Ticks } from "../../media/time.ts";
import type { Frame } from "../codec/libav.ts";
import type { Tick } from "../codec/video-frame.ts";
import type { StreamParams } from "../protocol/work.ts";

export interface BypassLimits {
  /** Frames bypass runs when no frame has come out for this long. */
  readonly stallMs: number;
  /** The same before the first frame has come out. */
  readonly firstMs: number;
}

/** live-runner.md 4.2 and 6. */
const BYPASS_LIMITS: BypassLimits = { stallMs: 2000, firstMs: 800 };

/** Timers may fire this much too early. */
const EARLY_MS = 2;

/** A model's picture that came after later frames had been shown: it is shown in the time of a later one. */
export interface LatePicture extends Tick {
  readonly frame: Frame;
}

/** Opens only for streams with a `fallback`: the frames of others always wait for their runs. */
export class Bypass implements Disposable {
  readonly #limits: BypassLimits;
  /** `performance.now()` when a frame came out last, or was taken while none was under way. */
  #since = 0;
  #hasOutput = false;
  #isStalled = false;
  /** The last frame that has passed by others. */
  #passed: Ticks | null = null;
  /** Pictures of frames up to this one are not wanted any more: a later one was drawn, or the stream was paused. */
  #unwanted: Ticks | null = null;
  #late: LatePicture | null = null;
  readonly #waits = new Set<() => void>();
  readonly #onPause = new Set<() => void>();

  constructor(limits: BypassLimits = BYPASS_LIMITS) {
    this.#limits = limits;
  }

  /**
   * Whether the next frame passes by those that are under way: the stream is paused, or nothing has come out for too long.
   * A stalled stream stays so until a model's picture arrives.
   */
  isOpen({ fallback, paused }: StreamParams, { waits }: { readonly waits: boolean }): boolean {
    if (!waits) this.#since = performance.now();
    if (fallback === undefined) this.#isStalled = false;
    else if (waits && this.#leftMs <= 0) this.#isStalled = true;
    return fallback !== undefined && (paused || this.#isStalled);
  }

  /** True while frames pass because nothing comes out. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** A frame passes by those under way. Its time is taken: their pictures come after it. */
  pass(pts: Ticks, { paused }: StreamParams): void {
    this.#passed = pts;
    if (!paused) return;
    this.#unwanted = pts;
    this.dropLate();
  }

  /** True for a frame whose time is over: it was shown as a fallback, or a later one was. */
  hasPassed(pts: Ticks): boolean {
    return this.#passed !== null && pts <= this.#passed;
  }

  /** A frame has come out; `drawn` is the frame whose picture it is, null for another one. */
  cameOut(drawn: Ticks | null): void {
    if (drawn !== null) {
      this.#unwanted = drawn;
      this.dropLate(); // late pictures are of frames that were passed by, before this one
    }
    this.#hasOutput = true;
    this.#since = performance.now();
  }

  /** The picture of a frame that later frames have passed has arrived; takes ownership of it. */
  answered(picture: LatePicture): void {
    const { pts, frame } = picture;
    if (this.#unwanted !== null && pts <= this.#unwanted) {
      frame.free();
      return;
    }
    this.#isStalled = false;
    this.#unwanted = pts;
    this.dropLate();
    this.#late = picture;
  }

  /**
   * The late picture to show in the next frame's time, owned by the caller; null where there is none, or where frames
   * before that one still `wait` for theirs: it would come out before them.
   */
  takeLate({ waits }: { readonly waits: boolean }): LatePicture | null {
    if (waits) return null;
    const late = this.#late;
    this.#late = null;
    return late;
  }

  dropLate(): void {
    this.takeLate({ waits: false })?.frame.free();
  }

  /**
   * Waits for `work`, at most until frames have to bypass it: the stream is paused, or nothing has come out for too long; or
   * until another fallback is asked for, so that the caller waits again with that.
   */
  async wait(work: Promise<void>, { fallback }: StreamParams): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer =
      fallback === undefined
        ? undefined
        : setTimeout(resolve, Math.max(0, this.#leftMs + EARLY_MS));
    this.#waits.add(resolve);
    try {
      await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
      this.#waits.delete(resolve);
    }
  }

  /** Calls `wake` whenever the stream is paused, until the returned object is disposed. */
  onPause(wake: () => void): Disposable {
    this.#onPause.add(wake);
    return { [Symbol.dispose]: () => void this.#onPause.delete(wake) };
  }

  /** The stream is paused: ends every wait. */
  paused(): void {
    for (const wake of [...this.#waits, ...this.#onPause]) wake();
  }

  /** Another fallback is asked for, or none any more: ends every `wait`. */
  fallbackChanged(): void {
    for (const wake of this.#waits) wake();
  }

  [Symbol.dispose](): void {
    this.dropLate();
  }

  get #leftMs(): number {
    const { stallMs, firstMs } = this.#limits;
    return this.#since + (this.#hasOutput ? stallMs : firstMs) - performance.now();
  }
}
