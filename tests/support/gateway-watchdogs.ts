/** What makes an orchestrator or a gateway give a worker up (protocol.md 6.3, 10), on a clock that is the caller's. */

/** A worker's channels, by their roles. */
export type ChannelRole = "input" | "output" | "control" | "events" | "data";

export type WatchdogName =
  /** The stop was not answered in time, or not with success. A start like that throws. */
  | "stop"
  /** No segment begun to be read for 30 s while input flows. */
  | "egress"
  /** No good event for 30 s. */
  | "events"
  /** No first byte of a segment for five minutes: the channel is swept. */
  | "idle"
  /** A channel ended or was gone while the stream should go on. */
  | "closed"
  /** A new input segment while three uploads are unfinished. */
  | "slow_upload";

export interface Firing {
  readonly watchdog: WatchdogName;
  /** On the clock given. */
  readonly at: number;
  readonly reason: string;
}

/** Thresholds in milliseconds, as go-livepeer 0.9.1 has them by default. */
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
 * Fed with what has happened, in order; `advance` makes the checks that were due. One that has fired counts from anew,
 * where a real gateway would have left.
 */
export class Watchdogs {
  readonly firings: Firing[] = [];
  /** Longest time between two good events, or from the beginning to the first. */
  longestEventGapMs = 0;
  /** Longest time between the beginnings of two reads of output segments. */
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

  /** `roles`: the channels there are. The clock begins at `now`, in milliseconds. */
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

  /** A segment of the channel has its first byte. */
  wrote(role: ChannelRole, now: number): void {
    this.advance(now);
    this.#written.set(role, now);
    if (role === "input") this.#lastInput = now;
  }

  /** An upload of input begins while so many are unfinished. */
  uploading(unfinished: number, now: number): void {
    this.advance(now);
    if (unfinished >= WATCHDOG_LIMITS.uploads)
      this.fire("slow_upload", `${unfinished} uploads are unfinished`);
  }

  /** The gateway begins to read, or to wait for, an output segment: the one before has been copied whole. */
  reading(now: number): void {
    this.advance(now);
    this.longestOutputGapMs = Math.max(this.longestOutputGapMs, now - this.#lastRead);
    this.#lastRead = now;
    this.#nextSegmentTick = now + WATCHDOG_LIMITS.segmentMs;
  }

  /** An event that is a JSON object. */
  event(now: number): void {
    this.advance(now);
    this.longestEventGapMs = Math.max(this.longestEventGapMs, now - this.#lastEvent);
    this.#lastEvent = now;
  }

  /** Counts as of the latest time given. */
  fire(watchdog: WatchdogName, reason: string): void {
    this.firings.push({ watchdog, at: this.#now, reason });
  }

  /** Makes all checks that were due until `now`. */
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
