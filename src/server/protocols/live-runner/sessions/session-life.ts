/** Records how and when one session ends, and how long after its end it is released (live-runner.md 3.4). */
import { RunnerError } from "../app/runner-errors.ts";
import type { SessionOutcome } from "./session-outcome.ts";

/** How a session has ended, or is about to. */
interface Conclusion {
  readonly outcome: SessionOutcome;
  /** From its end to its release, in milliseconds. */
  readonly releaseAfterMs: number;
}

export class SessionLife {
  readonly #ended = Promise.withResolvers<void>();
  #conclusion: Conclusion | null = null;
  #isPresumed = false;
  /** `at` is `performance.now()`. */
  #end: { readonly date: Date; readonly at: number } | null = null;

  /** How it ended, or is about to; null while it lives. */
  get outcome(): SessionOutcome | null {
    return this.#conclusion?.outcome ?? null;
  }
  /** 0 while it lives. */
  get releaseAfterMs(): number {
    return this.#conclusion?.releaseAfterMs ?? 0;
  }
  get endedAt(): Date | null {
    return this.#end?.date ?? null;
  }
  /** 0 while it lives. */
  get msSinceEnd(): number {
    return this.#end === null ? 0 : performance.now() - this.#end.at;
  }
  /** Settles when `end` is called. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Throws RunnerError `invalid_state` once it has an outcome. */
  assertLives(): void {
    if (this.outcome === null) return;
    const { status } = this.outcome;
    throw new RunnerError("invalid_state", `the session is over (${status}): reserve another one`, {
      session_status: status,
    });
  }

  /** Sets how it is about to end. Only the first call has an effect and returns true. */
  conclude(outcome: SessionOutcome, releaseAfterMs: number): boolean {
    if (this.#conclusion !== null) return false;
    this.#conclusion = { outcome, releaseAfterMs };
    return true;
  }

  /** The outcome was concluded from how its stream ended: its orchestrator may know better, and is asked before the end. */
  presume(): void {
    this.#isPresumed = true;
  }

  /** Replaces an outcome that is presumed. Returns false where there is none, and after the end. */
  correct(outcome: SessionOutcome): boolean {
    if (this.#conclusion === null || !this.#isPresumed || this.#end !== null) return false;
    this.#conclusion = { ...this.#conclusion, outcome };
    return true;
  }

  /** Nothing of it is left. */
  end(): void {
    this.#end = { date: new Date(), at: performance.now() };
    this.#ended.resolve();
  }
}
