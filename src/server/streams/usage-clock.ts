/** Measures how long a stream is live, on fallback and paused. At every moment it is exactly one of them. */
import type { Showing } from "../../engine/protocol/showing.ts";
import { MAX_FALLBACK_EVENTS, type ShownReason } from "./usage.ts";

/** `live`: pictures of the model are shown. `fallback`: something else is, or nothing yet. */
export type UsageState = "live" | "fallback" | "paused";

/** What viewers see, and why it is no picture of the model. */
export interface Shown {
  readonly output: UsageState;
  readonly reason?: ShownReason;
}

export interface FallbackEvent {
  /** In ISO 8601, UTC. */
  readonly at: string;
  readonly reason: ShownReason;
}

export class UsageClock {
  readonly startedAt = new Date();
  readonly #now: () => number;
  readonly #ms: Record<UsageState, number> = { live: 0, fallback: 0, paused: 0 };
  readonly #fallbacks: FallbackEvent[] = [];
  /** What is shown while the stream is not paused. */
  #shown: "live" | "fallback" = "fallback";
  /** Why something other than the model's pictures is shown, or was last. */
  #reason: ShownReason = "starting";
  #isPaused: boolean;
  /** `#now()` up to which the time is counted. */
  #countedTo: number;
  #endedAt: Date | null = null;

  /** `now` returns milliseconds of a clock that is never set. A stream begins on fallback. */
  constructor(isPaused: boolean, now: () => number = () => performance.now()) {
    this.#isPaused = isPaused;
    this.#now = now;
    this.#countedTo = now();
    this.#recordFallback();
  }

  /** Null while the stream lives. */
  get endedAt(): Date | null {
    return this.#endedAt;
  }
  get state(): UsageState {
    return this.#isPaused ? "paused" : this.#shown;
  }
  get shown(): Shown {
    const output = this.state;
    return output === "fallback" ? { output, reason: this.#reason } : { output };
  }
  /** The latest, the oldest of them first. */
  get fallbacks(): readonly FallbackEvent[] {
    return this.#fallbacks;
  }
  /** Milliseconds in each state until now, or until the end. */
  get ms(): Readonly<Record<UsageState, number>> {
    this.#count();
    return { ...this.#ms };
  }

  pause(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#count();
    this.#isPaused = isPaused;
    this.#recordFallback();
  }

  /** Takes an engine's report. */
  show({ output, reason }: Showing): void {
    if (output === "fallback") this.#fallback(reason ?? "stalled");
    // Another one has it.
    if (output === "paused" && this.#reason === "engine_lost") this.#reason = "starting";
    if (output !== "live") return;
    this.#count();
    this.#shown = "live";
  }

  /** No engine runs the stream until another one shows something. */
  interrupted(): void {
    this.#fallback("engine_lost");
  }

  /** Time after the first call does not count. */
  end(): void {
    this.#count();
    this.#endedAt ??= new Date();
  }

  #fallback(reason: ShownReason): void {
    if (this.#shown === "fallback" && this.#reason === reason) return;
    this.#count();
    this.#shown = "fallback";
    this.#reason = reason;
    this.#recordFallback();
  }

  #count(): void {
    if (this.#endedAt !== null) return;
    const now = this.#now();
    this.#ms[this.state] += now - this.#countedTo;
    this.#countedTo = now;
  }

  #recordFallback(): void {
    if (this.state !== "fallback" || this.#endedAt !== null) return;
    this.#fallbacks.push({ at: new Date().toISOString(), reason: this.#reason });
    if (this.#fallbacks.length > MAX_FALLBACK_EVENTS) this.#fallbacks.shift();
  }
}
