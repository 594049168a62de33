/** Finds the time limit that a session has reached: unused, without input, or longer than sessions may be (live-runner.md 3.4). */

import { MAX_SESSION, NO_INPUT, type SessionOutcome, UNUSED } from "./session-outcome.ts";
import type { SessionSettings } from "./session-services.ts";
import type { RunningSession } from "./start-session.ts";

/** Of one session. `now` is `performance.now()` throughout. */
export class SessionLimits {
  readonly #settings: SessionSettings;
  readonly #reservedAt: number;
  /** The bytes that had come in when their number changed last. */
  #bytes = 0;
  #inputAt = 0;
  #startedAt = 0;

  /** The session is reserved. */
  constructor(settings: SessionSettings, now: number) {
    this.#settings = settings;
    this.#reservedAt = now;
  }

  /** Its stream has started and waits for input. */
  started(now: number): void {
    this.#bytes = 0;
    this.#inputAt = now;
    this.#startedAt = now;
  }

  /** The outcome of a session that no start is under way for; null: it may still wait. */
  ofReserved(now: number): SessionOutcome | null {
    return now - this.#reservedAt >= this.#settings.unusedTimeoutMs ? UNUSED : null;
  }

  /** The outcome of a session that runs; null: it may go on. Call it often enough to notice input. */
  ofRunning({ start, stream }: RunningSession, now: number): SessionOutcome | null {
    const { idleTimeoutMs, maxSessionMs } = this.#settings;
    if (maxSessionMs > 0 && now - this.#startedAt >= maxSessionMs) return MAX_SESSION;
    const { bytes_in: bytes } = stream.stats;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#inputAt = now;
    }
    return now - this.#inputAt >= (start.idleTimeoutMs ?? idleTimeoutMs) ? NO_INPUT : null;
  }
}
