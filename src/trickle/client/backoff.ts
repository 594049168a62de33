/** Counts failures in a row, and waits longer after each of them. */
import { pause } from "../../streams/pause.ts";

const FIRST_PAUSE_MS = 50;
/** After an outage a channel is back at most this much later than its server. */
const LONGEST_PAUSE_MS = 1000;

/**
 * The retries of one channel.
 *
 * @example
 * const backoff = new Backoff(30_000);
 * for (;;) {
 *   if (await attempt()) backoff.succeed();
 *   else if (!backoff.fail()) throw new Error("failing for 30 s");
 *   else await backoff.wait(signal);
 * }
 */
export class Backoff {
  readonly #giveUpMs: number;
  #failures = 0;
  #since: number | undefined;

  /** `giveUpMs`: how long failures in a row are retried. */
  constructor(giveUpMs: number) {
    this.#giveUpMs = giveUpMs;
  }

  /** Number of failures and postponements in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure. Returns false once the first one in a row is `giveUpMs` ago. */
  fail(): boolean {
    this.#failures++;
    this.#since ??= performance.now();
    return performance.now() - this.#since <= this.#giveUpMs;
  }

  /**
   * Counts an answer by which a server asks for patience: pauses get longer, but nothing is given up for it, since the
   * server is alive.
   */
  postpone(): void {
    this.#failures++;
    this.#since = undefined;
  }

  succeed(): void {
    this.#failures = 0;
    this.#since = undefined;
  }

  /** Waits a random time that grows with the number of failures, from 25–50 ms to 0.5–1 s. Ends early on abort. */
  wait(signal: AbortSignal): Promise<void> {
    const step = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, this.#failures - 1));
    return pause(step * (0.5 + Math.random() / 2), signal);
  }
}
