/** Begins and ends the runs of one device: gives them their lanes, charges their streams, and notes which are away. */
import type { Companions } from "./companions.ts";
import type { FairShares } from "./fair-shares.ts";
import type { JobQueue } from "./job-queue.ts";
import type { Lanes, Run } from "./lanes.ts";

export interface RunsOptions {
  readonly lanes: Lanes;
  readonly shares: FairShares;
  readonly companions: Companions;
  readonly waiting: JobQueue;
  readonly now: () => number;
}

export class RunsInProgress {
  readonly #options: RunsOptions;

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  /** Begins a run, or has it begin when the run `after` of the same runner ends. */
  begin(run: Run, after?: Run): void {
    if (after !== undefined) {
      after.next = run;
      return;
    }
    run.since = this.#options.now();
    this.#options.lanes.add(run);
    for (const { job } of run.batch) job.onStart?.();
  }

  /** Frees the lane of a run and charges its streams, once; returns the run's duration until then. */
  end(run: Run): number {
    if (run.tookMs !== null) return run.tookMs;
    const { lanes, companions, now: clock } = this.#options;
    const { runner, batch, next } = run;
    const now = clock();
    const tookMs = Math.max(0, now - run.since);
    run.tookMs = tookMs;
    this.charge(run, tookMs);
    lanes.remove(run);
    if (next?.tookMs === null) this.begin(next);
    for (const { job } of batch) {
      if (job.batchKey === null) continue;
      companions.left(runner, job.stream, job.batchKey, now);
      if (this.#isBack(run, job.stream)) companions.returned(runner, job.stream, now);
    }
    return tookMs;
  }

  /** Ends the run of a runner that hangs; returns what was to begin after it, which never will. */
  giveUp(runner: object): Run["batch"] {
    const run = this.#options.lanes.runOf(runner);
    if (run === undefined) return [];
    const { next } = run;
    run.next = null;
    if (next !== null) next.tookMs = 0;
    this.end(run);
    return next?.batch ?? [];
  }

  /** Charges the streams of a run as if it had taken so long. */
  charge(run: Run, ms: number): void {
    const share = (ms - run.chargedMs) / run.batch.length;
    for (const { job } of run.batch) this.#options.shares.charge(job.stream, share);
    run.chargedMs = ms;
  }

  /** Notes that a stream has submitted a job. One that has not even left yet does so when its run ends. */
  returned(runner: object, stream: string): void {
    const { lanes, companions, now } = this.#options;
    const run = lanes.runOf(runner);
    if (run === undefined || !has(run, stream)) companions.returned(runner, stream, now());
  }

  #isBack({ runner, next }: Run, stream: string): boolean {
    return this.#options.waiting.has(runner, stream) || (next !== null && has(next, stream));
  }
}

const has = ({ batch }: Run, stream: string): boolean =>
  batch.some(({ job }) => job.stream === stream);
