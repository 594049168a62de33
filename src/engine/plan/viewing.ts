/** Follows what the viewers of a stream see, and reports each change. */
import type { FallbackReason, Showing } from "../protocol/messages.ts";

const LIVE: Showing = { output: "live" };
const PAUSED: Showing = { output: "paused" };

export class Viewing {
  readonly #report: (now: Showing) => void;
  #isPaused = false;
  /** By the last frame that came out while the stream was not paused; null before the first. */
  #frames: Showing | null = null;
  #reported: Showing | null = null;

  /** @param report is called for the first frame, and when what is shown changes */
  constructor(report: (now: Showing) => void) {
    this.#report = report;
  }

  /** The stream is paused, or not: known before a frame shows it. */
  paused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#update();
  }

  /** A frame comes out: a model's, or another one for the reason given. */
  frame(reason: FallbackReason | null): void {
    if (this.#isPaused) return;
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
