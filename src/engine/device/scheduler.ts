/** Schedules the jobs of one device: streams take turns by device time, batches form, and late jobs are refused. */
import { FairShares } from "./fair-shares.ts";
import { type BatchRunner, type Done, type Job, TooLate } from "./job.ts";
import { type Admits, JobQueue, type Runner, type Waiting } from "./job-queue.ts";
import { RunDurations } from "./run-durations.ts";

export interface DeviceSchedulerOptions {
  /** Runs that may be in progress at once. */
  readonly lanes: number;
  /** Returns milliseconds; default: `performance.now`. */
  readonly now?: () => number;
}

/** A run takes up a lane, or was let in beside them. */
type Place = "lane" | "beside";

interface Run {
  readonly runner: Runner;
  readonly batch: readonly Waiting[];
  /** The device's virtual time at which it began. */
  readonly time: number;
  /** `now()` when it began. */
  readonly since: number;
  /** Null for the first run of a runner if its caller knows nothing. */
  readonly expectedMs: number | null;
  readonly place: Place;
  /** Null while it is in progress. */
  tookMs: number | null;
}

/** A run that takes longer than this, and than `OVERDUE` times what is expected, holds its lane no longer. */
const OVERDUE_MS = 250;
const FIRST_RUN_OVERDUE_MS = 1000;
const OVERDUE = 4;

/** A run is short, compared with one in progress, if it takes at most this share of it. */
const SHORT = 1 / 8;

/**
 * After a batch has failed, the jobs of its runner run alone for this time. One item may have been at fault, and its
 * stream must not take its neighbours down with every frame.
 */
const APART_MS = 10_000;

/**
 * Shares the lanes of one device among streams by device time (see `FairShares`): a free lane goes to the stream that
 * is furthest behind. If its job may run in a batch, waiting jobs of the same runner and key join it: the first of each
 * stream, those furthest behind first, and then later ones of streams that have several. Each is charged its share.
 *
 * A run cannot be interrupted. Two rules keep long ones from blocking short ones. While every lane has a long run, a
 * short one is let in beside them, as a device with time slices would do, if it is short compared with each run in
 * progress and its stream is behind them all, counting what they have run so far. And a run that takes much longer than
 * expected gives up its lane, so that one which never ends does not stop the device.
 *
 * @example
 * const scheduler = new DeviceScheduler({ lanes: 1 });
 * const { result, ms } = await scheduler.submit(runner, { stream: "a", item, batchKey: "512x512" });
 */
export class DeviceScheduler {
  readonly #shares = new FairShares();
  readonly #waiting = new JobQueue(this.#shares);
  readonly #running = new Map<Runner, Run>();
  readonly #durations = new RunDurations();
  /** Until when the jobs of a runner run alone. */
  readonly #apartUntil = new WeakMap<Runner, number>();
  readonly #abandoned = new WeakMap<object, Error>();
  readonly #lanes: number;
  readonly #now: () => number;
  #closed: { readonly error: unknown } | null = null;
  #timer: Timer | undefined;

  constructor({ lanes, now = () => performance.now() }: DeviceSchedulerOptions) {
    this.#lanes = lanes;
    this.#now = now;
  }

  /**
   * Runs a job when its turn comes. Rejects with what its run rejects with, with the reason of its signal, with
   * `TooLate`, or with the error that the scheduler was closed or the runner abandoned with.
   */
  async submit<Item, Result>(
    runner: BatchRunner<Item, Result>,
    job: Job<Item>,
  ): Promise<Done<Result>> {
    const { signal } = job;
    signal?.throwIfAborted();
    this.throwIfClosed();
    const abandoned = this.#abandoned.get(runner);
    if (abandoned !== undefined) throw abandoned;
    const { promise, resolve, reject } = Promise.withResolvers<Done<unknown>>();
    const waiting: Waiting = { runner, job, resolve, reject };
    this.#waiting.add(waiting);
    const giveUp = () => this.#waiting.refuse(waiting, signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#admit();
    try {
      return (await promise) as Done<Result>; // the runner's own result for this item
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /**
   * Refuses everything that waits for this runner or will be submitted to it: its run in progress hangs. That run gives
   * up its lane, and its jobs settle when it does.
   */
  abandon(runner: object, error: Error): void {
    this.#abandoned.set(runner, error);
    for (const waiting of this.#waiting.all()) {
      if (waiting.runner === runner) this.#waiting.refuse(waiting, error);
    }
    for (const run of this.#running.values()) if (run.runner === runner) this.#leave(run);
    this.#admit();
  }

  /** Rejects everything that waits or arrives; runs in progress end as usual. */
  close(error: unknown): void {
    this.#closed = { error };
    clearTimeout(this.#timer);
    for (const waiting of this.#waiting.all()) this.#waiting.refuse(waiting, error);
  }

  /** Throws the error that the scheduler was closed with. */
  throwIfClosed(): void {
    if (this.#closed !== null) throw this.#closed.error;
  }

  #admit(): void {
    clearTimeout(this.#timer);
    // One point in time for all: a run that became overdue in between would be waited for with no timer set.
    const now = this.#now();
    for (const waiting of this.#waiting.all()) {
      if (now > deadlineOf(waiting)) this.#waiting.refuse(waiting, new TooLate());
    }
    this.#fillLanes(now);
    const next = this.#nextEvent(now);
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#admit(), Math.max(1, next - now));
  }

  /** When something happens that no call announces: a deadline passes, or a run for which others wait is overdue. */
  #nextEvent(now: number): number {
    const waiting = this.#waiting.all();
    const inLanes = this.#inLanes(now);
    const isFull = waiting.length > 0 && inLanes.length >= this.#lanes;
    return Math.min(
      ...waiting.map((each) => deadlineOf(each)),
      ...(isFull ? inLanes.map((run) => run.since + overdueMs(run)) : []),
    );
  }

  #fillLanes(now: number): void {
    const inLane: Admits = ({ runner }) => !this.#running.has(runner);
    while (this.#inLanes(now).length < this.#lanes) {
      if (!this.#startNext("lane", inLane, now)) break;
    }
    const beside: Admits = (waiting, items, time) =>
      inLane(waiting, items, time) && this.#mayRunBeside(waiting, items, time, now);
    this.#startNext("beside", beside, now);
  }

  /** Returns false if no job is admitted. */
  #startNext(place: Place, admits: Admits, now: number): boolean {
    const first = this.#waiting.next(admits);
    if (first === null) return false;
    const { runner } = first;
    const isApart = now < (this.#apartUntil.get(runner) ?? Number.NEGATIVE_INFINITY);
    void this.#start(this.#waiting.batch(first, isApart ? 1 : runner.maxBatch, admits), place);
    return true;
  }

  #mayRunBeside(waiting: Waiting, items: number, time: number, now: number): boolean {
    const ms = this.#expectedMs(waiting, items);
    if (ms === undefined) return false;
    return [...this.#running.values()].every((run) => {
      const used = (now - run.since) / run.batch.length;
      return ms <= SHORT * (run.expectedMs ?? 0) && time <= run.time + used;
    });
  }

  async #start(batch: readonly Waiting[], place: Place): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const { runner, job } = first;
    for (const waiting of batch) this.#waiting.remove(waiting);
    // Those that join the first job run ahead of their turn, which moves them and not the device.
    this.#shares.begin(job.stream);
    const run: Run = {
      ...{ runner, batch, place },
      // Credit brings a stream's turn forward; it does not keep short runs out while a long one lasts.
      time: this.#shares.now,
      since: this.#now(),
      expectedMs: this.#expectedMs(first, batch.length) ?? null,
      tookMs: null,
    };
    this.#running.set(runner, run);
    try {
      const results = await runner.run(batch.map((waiting) => waiting.job.item));
      if (results.length !== batch.length) {
        throw new Error(`a run of ${batch.length} items returned ${results.length} results`);
      }
      const tookMs = this.#leave(run);
      this.#durations.learn(runner, batch.length, tookMs);
      for (const [index, { resolve }] of batch.entries()) {
        resolve({ result: results[index], ms: tookMs / batch.length, batch: batch.length });
      }
    } catch (error) {
      const tookMs = this.#leave(run);
      if (batch.length > 1) this.#apartUntil.set(runner, run.since + tookMs + APART_MS);
      for (const { reject } of batch) reject(error);
    }
    this.#admit();
  }

  /** Frees the lane of a run and charges its streams, once; returns the run's duration until then. */
  #leave(run: Run): number {
    if (run.tookMs !== null) return run.tookMs;
    run.tookMs = this.#now() - run.since;
    this.#running.delete(run.runner);
    const share = run.tookMs / run.batch.length;
    for (const { job } of run.batch) this.#shares.charge(job.stream, share);
    return run.tookMs;
  }

  #expectedMs({ runner, job }: Waiting, items: number): number | undefined {
    const { expectedMs } = job;
    return (
      this.#durations.expected(runner, items) ??
      (expectedMs === undefined ? undefined : expectedMs * items)
    );
  }

  /** The runs that hold a lane at `now`. */
  #inLanes(now: number): Run[] {
    return [...this.#running.values()].filter(
      (run) => run.place === "lane" && now - run.since < overdueMs(run),
    );
  }
}

const deadlineOf = ({ job }: Waiting): number => job.deadline ?? Number.POSITIVE_INFINITY;

const overdueMs = ({ expectedMs }: Run): number =>
  expectedMs === null ? FIRST_RUN_OVERDUE_MS : Math.max(OVERDUE_MS, OVERDUE * expectedMs);
