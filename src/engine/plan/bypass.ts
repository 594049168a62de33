/** Decides when frames pass by the runs in progress, so that viewers see the fallback meanwhile, and what becomes of those runs. */
import type { Ticks } from "../../media/time.ts";
import type { Frame } from "../codec/libav.ts";
import type { StreamParams } from "../protocol/work.ts";

export interface BypassLimits {
  /** Frames pass by runs when no frame has come out for so long. */
  readonly stallMs: number;
  /** The same before the first frame has come out. */
  readonly firstMs: number;
}

/** live-runner.md 4.2 and 6. */
const BYPASS_LIMITS: BypassLimits = { stallMs: 2000, firstMs: 800 };

/** Timers may fire so much too early, and then no time would be over. */
const EARLY_MS = 2;

/** A model's picture that frames have passed by: it takes the time of a later one. */
export interface LatePicture {
  readonly frame: Frame;
  readonly arrivedAt: number;
}

/** Only streams with a `fallback` have one: the frames of others wait for their runs. */
export class Bypass implements Disposable {
  readonly #limits: BypassLimits;
  /** `performance.now()` when a frame came out last, or was taken while nothing ran. */
  #since = 0;
  #hasOutput = false;
  #isStalled = false;
  /** The last frames that have passed by runs, and that came out while the stream was paused. */
  #passed: Ticks | null = null;
  #paused: Ticks | null = null;
  #late: LatePicture | null = null;
  readonly #wakers = new Set<() => void>();

  constructor(limits: BypassLimits = BYPASS_LIMITS) {
    this.#limits = limits;
  }

  /** Whether the next frame passes by what runs: the stream is paused, or nothing has come out for too long. */
  isOpen({ fallback, paused }: StreamParams, running: Promise<void> | null): boolean {
    if (running === null) this.#since = performance.now();
    if (fallback === undefined || (paused && running === null)) this.#isStalled = false;
    else if (running !== null && this.#leftMs <= 0) this.#isStalled = true;
    return fallback !== undefined && (paused || this.#isStalled);
  }

  /** A frame passes by the runs in progress. Its time is taken: their pictures come after it. */
  pass(pts: Ticks, { paused }: StreamParams): void {
    this.#passed = pts;
    if (paused) this.#paused = pts;
  }

  /** True if a later frame has passed by this one's run. */
  hasPassed(pts: Ticks): boolean {
    return this.#passed !== null && pts <= this.#passed;
  }

  /** A frame has come out. */
  cameOut(): void {
    this.#hasOutput = true;
    this.#since = performance.now();
  }

  /** A run that frames have passed by has made this picture in the end, which is the bypass's now. */
  answered(picture: LatePicture, pts: Ticks): void {
    this.#isStalled = false;
    this.dropLate();
    if (this.#paused !== null && pts <= this.#paused)
      picture.frame.free(); // asked for before the pause
    else this.#late = picture;
  }

  /** The picture to show next, the caller's; null where there is none. */
  takeLate(): LatePicture | null {
    const late = this.#late;
    this.#late = null;
    return late;
  }

  dropLate(): void {
    this.takeLate()?.frame.free();
  }

  /** Waits for a run, but not longer than until frames may have to pass by it. */
  async wait(run: Promise<void>, { fallback }: StreamParams): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer =
      fallback === undefined
        ? undefined
        : setTimeout(resolve, Math.max(0, this.#leftMs + EARLY_MS));
    using _pause = this.onPause(resolve);
    try {
      await Promise.race([run, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Calls back when the stream is paused, until what is returned is disposed. */
  onPause(wake: () => void): Disposable {
    this.#wakers.add(wake);
    return { [Symbol.dispose]: () => void this.#wakers.delete(wake) };
  }

  /** The stream is paused: what waits goes on. */
  paused(): void {
    for (const wake of this.#wakers) wake();
  }

  [Symbol.dispose](): void {
    this.dropLate();
  }

  get #leftMs(): number {
    const { stallMs, firstMs } = this.#limits;
    return this.#since + (this.#hasOutput ? stallMs : firstMs) - performance.now();
  }
}
