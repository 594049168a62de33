/** Schedules the jobs of one device: streams take turns by device time, batches form, and late jobs are refused. */
import { Companions } from "./companions.ts";
import { FairShares } from "./fair-shares.ts";
import { type BatchRunner, type Done, type Job, TooLate } from "./job.ts";
import { type Admits, JobQueue, type Runner, type Waiting } from "./job-queue.ts";
import { Lanes, type Run } from "./lanes.ts";
import { RunDurations } from "./run-durations.ts";
import { RunsInProgress } from "./runs-in-progress.ts";

export interface DeviceSchedulerOptions {
  /** Runs that may be in progress at once. */
  readonly lanes: number;
  /** Returns milliseconds; default: `performance.now`. */
  readonly now?: () => number;
}

/** Jobs with this runner and key wait for others to join them. */
interface Hold {
  readonly runner: Runner;
  readonly batchKey: string | null;
  readonly until: number;
}

/**
 * After a batch has failed, the jobs of its runner run alone for this time. One item may have been at fault, and its
 * stream must not take its neighbours down with every frame.
 */
const APART_MS = 10_000;

/**
 * Shares the lanes of one device among streams by device time (see `FairShares`): a free lane goes to the stream that
 * is furthest behind. If its job may run in a batch, waiting jobs of the same runner and key join it: the first of each
 * stream, those furthest behind first, and then later ones of streams that have several. Each is charged its share. A
 * batch may wait a moment for streams that are about to come back (see `Companions`); the lane is not kept for it. A
 * runner that queues gets its next run shortly before the last should end, so that the device need not stand idle.
 *
 * A run cannot be interrupted, though programs may let several take turns in their thread. Two rules keep long ones from
 * blocking short ones. While every lane has a long run, a short one is let in beside them, as a device with time slices
 * would do, if it is short compared with what each run in progress should take or has taken, and its stream is behind
 * them all, counting what they have run so far. And a run that takes much longer than
 * expected lets one more in beside it, and gives up its lane a little later, so that one which never ends does not stop
 * the device.
 *
 * @example
 * const scheduler = new DeviceScheduler({ lanes: 1 });
 * const { result, ms } = await scheduler.submit(runner, { stream: "a", item, batchKey: "512x512" });
 */
export class DeviceScheduler {
  readonly #shares = new FairShares();
  readonly #waiting = new JobQueue(this.#shares);
  readonly #lanes: Lanes;
  readonly #runs: RunsInProgress;
  readonly #durations = new RunDurations();
  readonly #companions = new Companions(this.#durations);
  /** Until when the jobs of a runner run alone. */
  readonly #apartUntil = new WeakMap<Runner, number>();
  readonly #abandoned = new WeakMap<object, Error>();
  readonly #now: () => number;
  #closed: { readonly error: unknown } | null = null;
  #timer: Timer | undefined;

  constructor({ lanes, now = () => performance.now() }: DeviceSchedulerOptions) {
    this.#now = now;
    this.#lanes = new Lanes(lanes);
    const [shares, companions, waiting] = [this.#shares, this.#companions, this.#waiting];
    this.#runs = new RunsInProgress({ lanes: this.#lanes, shares, companions, waiting, now });
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
    this.#runs.returned(runner, job.stream);
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
    for (const { reject } of this.#runs.giveUp(runner)) reject(error);
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
    if (this.#waiting.isEmpty) return;
    // One point in time for all: a run that became overdue in between would be waited for with no timer set.
    const now = this.#now();
    for (const waiting of this.#waiting.all()) {
      if (now > deadlineOf(waiting)) this.#waiting.refuse(waiting, new TooLate());
    }
    const holds = this.#holds(now);
    this.#fillLanes(now, holds);
    for (const run of this.#lanes.soonOver(now)) this.#queueAfter(run, now);
    if (this.#waiting.isEmpty) return;
    const left = this.#waiting.all();
    const next = Math.min(
      this.#lanes.nextFree(now),
      this.#lanes.nextSoonOver(now),
      ...holds.map(({ until }) => until),
      ...left.map((waiting) => deadlineOf(waiting)),
      ...left.map((waiting) => this.#besideFrom(waiting)).filter((from) => from > now),
    );
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#admit(), Math.max(1, next - now));
  }

  /** The jobs for which it pays to wait until other streams are back. */
  #holds(now: number): Hold[] {
    return this.#waiting.groups().flatMap((group) => {
      const [first] = group;
      if (first === undefined || first.job.batchKey === null) return [];
      const { runner, job } = first;
      const room = this.#mostTogether(runner, now) - group.length;
      if (room < 1 || this.#lanes.isBusy(runner)) return [];
      const streams = group.map((waiting) => waiting.job.stream);
      const ready = { runner, key: first.job.batchKey, streams, room };
      const until = this.#companions.waitUntil(ready, now);
      const isLate = group.some((waiting) => deadlineOf(waiting) < until);
      return until <= now || isLate ? [] : [{ runner, batchKey: job.batchKey, until }];
    });
  }

  #fillLanes(now: number, holds: readonly Hold[]): void {
    const inLane: Admits = ({ runner, job }) =>
      !this.#lanes.isBusy(runner) &&
      !holds.some((hold) => hold.runner === runner && hold.batchKey === job.batchKey);
    while (this.#lanes.hasFree(now)) {
      if (!this.#startNext("lane", inLane, now)) break;
    }
    const inThread: Admits = (waiting, items, time) =>
      this.#lanes.isTakingTurns(waiting.runner) && inLane(waiting, items, time);
    while (this.#startNext("beside", inThread, now));
    const beside: Admits = (waiting, items, time) => {
      const ms = this.#expectedMs(waiting, items);
      const isShort = ms !== undefined && this.#lanes.admitsBeside(ms, time, now);
      return isShort && inLane(waiting, items, time);
    };
    this.#startNext("beside", beside, now);
  }

  /** The time from which a job may go beside the runs in progress; infinity if it may not. */
  #besideFrom(waiting: Waiting): number {
    const ms = this.#expectedMs(waiting, 1);
    if (ms === undefined || this.#lanes.isBusy(waiting.runner)) return Number.POSITIVE_INFINITY;
    return this.#lanes.besideFrom(ms, this.#shares.timeOf(waiting.job.stream));
  }

  /** Returns false if no job is admitted. */
  #startNext(place: Run["place"], admits: Admits, now: number): boolean {
    const first = this.#waiting.next(admits);
    if (first === null) return false;
    const most = this.#mostTogether(first.runner, now);
    void this.#start(this.#waiting.batch(first, most, admits), place);
    return true;
  }

  /**
   * Hands the next run to the runner of one that should soon end, if it would be its turn then. A batch that has room
   * comes when all streams are back that run now; `#holds` decides about those that are late.
   */
  #queueAfter(run: Run, now: number): void {
    const { runner } = run;
    this.#runs.charge(run, Math.max(now - run.since, run.expectedMs ?? 0));
    const admits: Admits = (waiting) =>
      waiting.runner === runner || !this.#lanes.isBusy(waiting.runner);
    const first = this.#waiting.next(admits);
    if (first?.runner !== runner) return;
    const most = this.#mostTogether(runner, now);
    const batch = this.#waiting.batch(first, most, admits);
    const { batchKey } = first.job;
    const isMissing = ({ job }: Waiting): boolean =>
      job.batchKey === batchKey && batch.every((waiting) => waiting.job.stream !== job.stream);
    const hasRoom = batchKey !== null && batch.length < most;
    if (hasRoom && run.batch.some(isMissing)) return;
    void this.#start(batch, "lane", run);
  }

  #mostTogether(runner: Runner, now: number): number {
    const isApart = now < (this.#apartUntil.get(runner) ?? Number.NEGATIVE_INFINITY);
    return isApart ? 1 : runner.maxBatch;
  }

  async #start(batch: readonly Waiting[], place: Run["place"], after?: Run): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const { runner, job } = first;
    for (const waiting of batch) this.#waiting.remove(waiting);
    // Those that join the first job run ahead of their turn, which moves them and not the device.
    this.#shares.begin(job.stream);
    const run: Run = {
      runner,
      batch,
      place,
      // Credit brings a stream's turn forward; it does not keep short runs out while a long one lasts.
      time: this.#shares.now,
      since: Number.POSITIVE_INFINITY,
      expectedMs: this.#expectedMs(first, batch.length) ?? null,
      tookMs: null,
      chargedMs: 0,
      next: null,
    };
    this.#runs.begin(run, after);
    try {
      const results = await runner.run(batch.map((waiting) => waiting.job.item));
      if (results.length !== batch.length) {
        throw new Error(`a run of ${batch.length} items returned ${results.length} results`);
      }
      const tookMs = this.#runs.end(run);
      this.#durations.learn(runner, batch.length, tookMs);
      for (const [index, { resolve }] of batch.entries()) {
        resolve({ result: results[index], ms: tookMs / batch.length, batch: batch.length });
      }
    } catch (error) {
      this.#runs.end(run);
      if (batch.length > 1) this.#apartUntil.set(runner, this.#now() + APART_MS);
      for (const { reject } of batch) reject(error);
    }
    this.#admit();
  }

  #expectedMs({ runner, job }: Waiting, items: number): number | undefined {
    const { expectedMs } = job;
    return (
      this.#durations.expected(runner, items) ??
      (expectedMs === undefined ? undefined : expectedMs * items)
    );
  }
}

const deadlineOf = ({ job }: Waiting): number => job.deadline ?? Number.POSITIVE_INFINITY;
