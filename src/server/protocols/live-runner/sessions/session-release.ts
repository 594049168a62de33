/** Releases a session that has ended at its orchestrator: after a delay, with retries (live-runner.md 3.4). */
import { getLogger } from "../../../../log.ts";
import { pause } from "../../../../streams/pause.ts";
import type { SessionStop } from "../runner-sessions.ts";

/** An orchestrator may cut the calls of a session that it releases, so the answer to `/stop` must be out before. */
export const AFTER_ANSWER_MS = 250;
const RETRY_MS = [1000, 2000, 4000];
const log = getLogger("sessions");

export interface SessionReleaseOptions {
  /** Of the session in logs. */
  readonly logId: string;
  /** Asks the orchestrator to stop the session. */
  readonly stop: () => Promise<SessionStop>;
  /** Delays between tries; default: 1, 2 and 4 s. */
  readonly retryMs?: readonly number[];
}

export class SessionRelease {
  readonly #options: SessionReleaseOptions;
  readonly #over = Promise.withResolvers<void>();
  /** Ends all waiting: the orchestrator does not have the session any more. */
  readonly #gone = new AbortController();
  /** Ends the delay before the first try. */
  readonly #hurry = new AbortController();
  #isTrying = false;

  constructor(options: SessionReleaseOptions) {
    this.#options = options;
  }

  /** Whether the orchestrator has the session, as far as is known here. */
  get isHeld(): boolean {
    return !this.#gone.signal.aborted;
  }

  /** Settles when the orchestrator does not have the session any more, or when the retries are used up. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Call once the session has ended; it is released after `afterMs`. */
  async begin(afterMs: number): Promise<void> {
    if (this.#isTrying || !this.isHeld) return;
    this.#isTrying = true;
    const canHurry = afterMs > AFTER_ANSWER_MS;
    const signals = [this.#gone.signal, ...(canHurry ? [this.#hurry.signal] : [])];
    await pause(afterMs, AbortSignal.any(signals));
    await this.#try();
    this.#isTrying = false;
  }

  /** Cuts a delay longer than `AFTER_ANSWER_MS` short. */
  hurry(): void {
    this.#hurry.abort();
  }

  /** The orchestrator does not have the session any more. */
  gone(): void {
    this.#gone.abort();
    this.#over.resolve();
  }

  async #try(): Promise<void> {
    const { logId: session, stop, retryMs = RETRY_MS } = this.#options;
    for (const delay of [...retryMs, null]) {
      if (!this.isHeld) return;
      const outcome = await stop();
      if (outcome.kind === "stopped") {
        log.debug("session released", { session });
        this.gone();
        return;
      }
      const fields = { session, why: outcome.message };
      if (delay === null) log.warn("session not released: its orchestrator still has it", fields);
      else await pause(delay, this.#gone.signal);
    }
    this.#over.resolve();
  }
}
