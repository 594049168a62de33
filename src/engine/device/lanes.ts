/** The runs in progress on one device, and the lanes that they take up. */
import { LEAD_MS } from "./job.ts";
import type { Runner, Waiting } from "./job-queue.ts";

export interface Run {
  readonly runner: Runner;
  readonly batch: readonly Waiting[];
  /** The device's virtual time at which it began. */
  readonly time: number;
  /** The time on the clock at which it began; infinity while it is the next of another. */
  since: number;
  /** Null for the first run of a runner if its caller has no estimate. */
  readonly expectedMs: number | null;
  /** It takes up a lane, or was let in beside them. */
  readonly place: "lane" | "beside";
  /** Null while it is in progress. */
  tookMs: number | null;
  /** Milliseconds that its streams have been charged with together. */
  chargedMs: number;
  /** What its runner begins with when it ends. */
  next: Run | null;
}

/** A run that takes longer than this, and than `OVERDUE` times what is expected, holds its lane no longer. */
const OVERDUE_MS = 250;
const FIRST_RUN_OVERDUE_MS = 1000;
const OVERDUE = 4;

/**
 * While a run takes longer than this, and than `OVERDUE` times what is expected, one more run than there are lanes may
 * be in progress: the others miss a frame or two, and not all of `OVERDUE_MS`. On a busy machine many runs are late at a
 * time, so that each of them must not add one.
 */
const LATE_MS = 60;

/** A run is short, compared with one in progress, if it takes at most this share of it. */
const SHORT = 1 / 8;

export class Lanes {
  readonly #count: number;
  readonly #runs = new Map<Runner, Run>();

  /** A device that has this many runs in progress at most. */
  constructor(count: number) {
    this.#count = count;
  }

  add(run: Run): void {
    this.#runs.set(run.runner, run);
  }

  remove(run: Run): void {
    this.#runs.delete(run.runner);
  }

  /** The run of a runner; it has one at a time. */
  runOf(runner: object): Run | undefined {
    for (const run of this.#runs.values()) if (run.runner === runner) return run;
    return undefined;
  }

  /** True for a runner that has a run in progress. */
  isBusy(runner: Runner): boolean {
    return this.#runs.has(runner);
  }

  /** True for a runner whose thread has a run of another runner in progress. */
  isTakingTurns({ thread }: Runner): boolean {
    return thread !== undefined && [...this.#runs.keys()].some((other) => other.thread === thread);
  }

  /** The runs whose runners should have their next one by now. */
  soonOver(now: number): Run[] {
    return [...this.#runs.values()].filter((run) => queueAt(run) <= now);
  }

  /** The time at which the first runner should have its next run; infinity if none. */
  nextSoonOver(now: number): number {
    return Math.min(...[...this.#runs.values()].map(queueAt).filter((time) => time > now));
  }

  hasFree(now: number): boolean {
    const runs = this.#inLanes(now);
    const spare = runs.some((run) => now - run.since >= lateMs(run)) ? 1 : 0;
    return runs.length < this.#count + spare;
  }

  /** The time at which the next lane becomes free because a run is late or overdue; infinity while one is free. */
  nextFree(now: number): number {
    if (this.hasFree(now)) return Number.POSITIVE_INFINITY;
    const times = this.#inLanes(now).flatMap((run) => [
      run.since + lateMs(run),
      run.since + overdueMs(run),
    ]);
    return Math.min(...times.filter((time) => time > now));
  }

  /**
   * Whether a run of `ms` of a stream with this virtual time may go beside those in progress: it is short compared with
   * each, and its stream is behind them all, counting what they have used so far.
   */
  admitsBeside(ms: number, time: number, now: number): boolean {
    return this.besideFrom(ms, time) <= now;
  }

  /** The time on the clock from which `admitsBeside` holds, as long as no other run begins. */
  besideFrom(ms: number, time: number): number {
    const from = [...this.#runs.values()].map(({ since, expectedMs, batch, time: begun }) => {
      // A run takes at least as long as it has taken, however short it was expected to be.
      const isLong = ms <= SHORT * (expectedMs ?? 0) ? 0 : ms / SHORT;
      return since + Math.max(isLong, (time - begun) * batch.length);
    });
    return Math.max(...from);
  }

  #inLanes(now: number): Run[] {
    return [...this.#runs.values()].filter(
      (run) => run.place === "lane" && now - run.since < overdueMs(run),
    );
  }
}

const queueAt = ({ runner, next, place, since, expectedMs }: Run): number => {
  const queues = runner.queues && next === null && place === "lane" && expectedMs !== null;
  return queues ? since + expectedMs - LEAD_MS : Number.POSITIVE_INFINITY;
};

const overdueMs = ({ expectedMs }: Run): number =>
  expectedMs === null ? FIRST_RUN_OVERDUE_MS : Math.max(OVERDUE_MS, OVERDUE * expectedMs);

const lateMs = ({ expectedMs }: Run): number =>
  expectedMs === null ? FIRST_RUN_OVERDUE_MS : Math.max(LATE_MS, OVERDUE * expectedMs);
