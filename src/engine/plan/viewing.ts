/** Follows what the viewers of a stream see, and reports each change. */
import type { FallbackReason, Showing } from "../protocol/showing.ts";

const LIVE: Showing = { output: "live" };
const PAUSED: Showing = { output: "paused" };

export class Viewing {
  readonly #report: (now: Showing) => void;
  #isPaused = false;
  /** By the last frame that came out while the stream was not paused, or what it waits for; null before both. */
  #frames: Showing | null = null;
  #hasFrame = false;
  #reported: Showing | null = null;

  /** @param report is called for the first frame or what it waits for, and when what is shown changes */
  constructor(report: (now: Showing) => void) {
    this.#report = report;
  }

  /** The stream is paused, or not: known before a frame shows it. */
  paused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#update();
  }

  /** Nothing is shown yet, for the reason given. Of no interest once a frame has come out, and in a pause. */
  waits(reason: FallbackReason): void {
    if (this.#hasFrame || this.#isPaused) return;
    this.#frames = { output: "fallback", reason };
    this.#update();
  }

  /** A frame comes out: a model's, or another one for the reason given. */
  frame(reason: FallbackReason | null): void {
    if (this.#isPaused) return;
    this.#hasFrame = true;
    if (reason === null) this.#frames = LIVE;
    else if (this.#frames?.reason !== reason) this.#frames = { output: "fallback", reason };
    this.#update();
  }

  #update(): void {
    const now = this.#isPaused ? PAUSED : this.#frames;
    if (now === null || now === this.#reported) return;
    this.#reported = now;
    this.#report(now);
  }
}
