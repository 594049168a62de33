/** Reports when something that is due has not come for a while. */

export interface SilenceTimerOptions {
  readonly afterMs: number;
  /** Called once for each silence, at most a few milliseconds late. */
  readonly onSilence: () => void;
}

/**
 * A timeout that is cheap to start and stop for every frame: the system timer is not touched, only checked against the
 * clock when it fires.
 *
 * @example
 * const timer = new SilenceTimer({ afterMs: 5000, onSilence: () => log.warn("no answer") });
 * timer.start(); // an answer is due
 * timer.stop(); // it has come
 */
export class SilenceTimer {
  readonly #options: SilenceTimerOptions;
  #since: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(options: SilenceTimerOptions) {
    this.#options = options;
  }

  /** Something is due from now on, unless it already was. */
  start(): void {
    if (this.#since === undefined) this.restart();
  }

  /** Something has come, and more is due. */
  restart(): void {
    if (this.#disposed) return;
    this.#since = performance.now();
    this.#timer ??= setTimeout(() => this.#check(), this.#options.afterMs);
  }

  /** Nothing is due. */
  stop(): void {
    this.#since = undefined;
  }

  /** Stops for good and frees the system timer. */
  dispose(): void {
    this.#disposed = true;
    this.stop();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    this.#timer = undefined;
    if (this.#since === undefined) return;
    const leftMs = this.#options.afterMs - (performance.now() - this.#since);
    if (leftMs > 0) {
      this.#timer = setTimeout(() => this.#check(), leftMs);
      return;
    }
    this.#since = undefined;
    this.#options.onSilence();
  }
}
