/** The conditions under which an orchestrator or gateway gives up a worker (protocol.md 6.3, 10), on the caller's clock. */

/** A worker's channels by role. */
export type ChannelRole = "input" | "output" | "control" | "events" | "data";

export type WatchdogName =
  /** The stop was not answered in time or failed. (A failed start throws instead.) */
  | "stop"
  /** No output segment started for 30 s while input flows. */
  | "egress"
  /** No valid event for 30 s. */
  | "events"
  /** No first byte of a segment for five minutes, after which the channel is swept. */
  | "idle"
  /** A channel ended or was missing while the stream should continue. */
  | "closed"
  /** A new input segment started while three uploads were unfinished. */
  | "slow_upload";

export interface Firing {
  readonly watchdog: WatchdogName;
  /** Time on the caller's clock. */
  readonly at: number;
  readonly reason: string;
}

/** Thresholds in milliseconds, the defaults of go-livepeer 0.9.1. */
export const WATCHDOG_LIMITS = {
  startMs: 30_000,
  stopMs: 10_000,
  segmentMs: 30_000,
  eventGapMs: 30_000,
  eventCheckMs: 10_000,
  idleMs: 300_000,
  sweepMs: 60_000,
  uploads: 3,
} as const;

/**
 * Takes events in order; `advance` runs the checks that are due. A watchdog that has fired starts over, where a real gateway
 * would have given up.
 */
export class Watchdogs {
  readonly firings: Firing[] = [];
  /** Longest time between two valid events, or from the start to the first. */
  longestEventGapMs = 0;
  /** Longest time between the starts of two output segments. */
  longestOutputGapMs = 0;
  readonly #written = new Map<ChannelRole, number>();
  readonly #watchesOutput: boolean;
  #nextSweep: number;
  #nextEventCheck: number;
  #lastEvent: number;
  #lastRead: number;
  #nextSegmentTick: number;
  #lastInput = Number.NEGATIVE_INFINITY;
  #now: number;

  /** `roles` are the stream's channels. The clock starts at `now`, in milliseconds. */
  constructor(roles: readonly ChannelRole[], now: number) {
    for (const role of roles) this.#written.set(role, now);
    this.#watchesOutput = roles.includes("output");
    this.#now = now;
    this.#lastEvent = now;
    this.#lastRead = now;
    this.#nextEventCheck = now + WATCHDOG_LIMITS.eventCheckMs;
    this.#nextSegmentTick = now + WATCHDOG_LIMITS.segmentMs;
    this.#nextSweep = now + WATCHDOG_LIMITS.sweepMs;
  }

  /** The first byte of a segment of the channel has arrived. */
  wrote(role: ChannelRole, now: number): void {
    this.advance(now);
    this.#written.set(role, now);
    if (role === "input") this.#lastInput = now;
  }

  /** An upload of input starts while `unfinished` others are in progress. */
  uploading(unfinished: number, now: number): void {
    this.advance(now);
    if (unfinished >= WATCHDOG_LIMITS.uploads)
      this.fire("slow_upload", `${unfinished} uploads are unfinished`);
  }

  /** The gateway starts to read or wait for an output segment, having copied the previous one completely. */
  reading(now: number): void {
    this.advance(now);
    this.longestOutputGapMs = Math.max(this.longestOutputGapMs, now - this.#lastRead);
    this.#lastRead = now;
    this.#nextSegmentTick = now + WATCHDOG_LIMITS.segmentMs;
  }

  /** A valid event has arrived: a JSON object. */
  event(now: number): void {
    this.advance(now);
    this.longestEventGapMs = Math.max(this.longestEventGapMs, now - this.#lastEvent);
    this.#lastEvent = now;
  }

  /** Counts up to the latest time given. */
  fire(watchdog: WatchdogName, reason: string): void {
    this.firings.push({ watchdog, at: this.#now, reason });
  }

  /** Runs all checks that are due by `now`. */
  advance(now: number): void {
    for (let due = this.#nextDue(); due <= now; due = this.#nextDue()) {
      this.#now = due;
      if (due === this.#nextSegmentTick) this.#segmentTick(due);
      else if (due === this.#nextEventCheck) this.#eventCheck(due);
      else this.#sweep(due);
    }
    this.#now = Math.max(now, this.#now);
  }

  #nextDue(): number {
    return Math.min(this.#nextSegmentTick, this.#nextEventCheck, this.#nextSweep);
  }

  #segmentTick(now: number): void {
    const { segmentMs } = WATCHDOG_LIMITS;
    this.#nextSegmentTick = now + segmentMs;
    if (this.#watchesOutput && now - this.#lastInput < segmentMs / 2)
      this.fire("egress", `no output segment for ${now - this.#lastRead} ms, and there is input`);
  }

  #eventCheck(now: number): void {
    this.#nextEventCheck = now + WATCHDOG_LIMITS.eventCheckMs;
    const gap = now - this.#lastEvent;
    this.longestEventGapMs = Math.max(this.longestEventGapMs, gap);
    if (gap <= WATCHDOG_LIMITS.eventGapMs) return;
    this.fire("events", `no event for ${gap} ms`);
    this.#lastEvent = now;
  }

  #sweep(now: number): void {
    this.#nextSweep = now + WATCHDOG_LIMITS.sweepMs;
    for (const [role, written] of this.#written) {
      const idle = now - written;
      if (idle <= WATCHDOG_LIMITS.idleMs) continue;
      this.fire("idle", `nothing was written to the ${role} channel for ${idle} ms`);
      this.#written.delete(role);
    }
  }
}
