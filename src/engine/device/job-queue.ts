/** Holds the jobs that wait for a device, and finds the one whose turn it is and those that may run with it. */
import type { FairShares } from "./fair-shares.ts";
import type { BatchRunner, Done, Job } from "./job.ts";

export type Runner = BatchRunner<unknown, unknown>;

/** A job that waits, and how its caller learns what becomes of it. */
export interface Waiting {
  readonly runner: Runner;
  readonly job: Job<unknown>;
  readonly resolve: (done: Done<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/** Decides whether a run of this many items may include a job of a stream whose virtual time is `time`. */
export type Admits = (waiting: Waiting, items: number, time: number) => boolean;

export class JobQueue {
  /** By stream, in order of arrival, which decides between streams that are equally far behind. */
  readonly #streams = new Map<string, Waiting[]>();
  readonly #shares: FairShares;

  constructor(shares: FairShares) {
    this.#shares = shares;
  }

  add(waiting: Waiting): void {
    const { stream } = waiting.job;
    const jobs = this.#streams.get(stream);
    if (jobs === undefined) this.#streams.set(stream, [waiting]);
    else jobs.push(waiting);
  }

  /** Takes out a job that begins to run. Returns false for one that does not wait any longer. */
  remove(waiting: Waiting): boolean {
    const { stream } = waiting.job;
    const jobs = this.#streams.get(stream) ?? [];
    const others = jobs.filter((other) => other !== waiting);
    if (others.length === 0) this.#streams.delete(stream);
    else this.#streams.set(stream, others);
    return others.length < jobs.length;
  }

  /** Takes out a job and rejects it. Does nothing to one that runs already. */
  refuse(waiting: Waiting, error: unknown): void {
    if (this.remove(waiting)) waiting.reject(error);
  }

  /** True if a job of this stream waits for the runner. */
  has(runner: Runner, stream: string): boolean {
    return this.#streams.get(stream)?.some((waiting) => waiting.runner === runner) ?? false;
  }

  get isEmpty(): boolean {
    return this.#streams.size === 0;
  }

  all(): Waiting[] {
    return [...this.#streams.values()].flat();
  }

  /** The jobs that may run in batches, grouped by runner and key. */
  groups(): readonly (readonly Waiting[])[] {
    const runners = new Map<Runner, Map<string, Waiting[]>>();
    for (const waiting of this.all()) {
      const { runner, job } = waiting;
      if (job.batchKey === null || runner.maxBatch <= 1) continue;
      const groups = runners.get(runner) ?? new Map<string, Waiting[]>();
      runners.set(runner, groups);
      groups.set(job.batchKey, [...(groups.get(job.batchKey) ?? []), waiting]);
    }
    return [...runners.values()].flatMap((groups) => [...groups.values()]);
  }

  /** The first admitted job of the stream that is furthest behind. */
  next(admits: Admits): Waiting | null {
    let best: { readonly waiting: Waiting; readonly time: number } | null = null;
    for (const [stream, jobs] of this.#streams) {
      const time = this.#shares.timeOf(stream);
      if (best !== null && time >= best.time) continue;
      const waiting = jobs.find((each) => admits(each, 1, time));
      if (waiting !== undefined) best = { waiting, time };
    }
    return best?.waiting ?? null;
  }

  /**
   * At most `most` admitted jobs with the runner and key of `first`, which `next` returned. The first job of each stream
   * comes before the second of any; among equals the stream that is furthest behind comes first.
   */
  batch(first: Waiting, most: number, admits: Admits): readonly Waiting[] {
    const { runner, job } = first;
    if (job.batchKey === null || most <= 1) return [first];
    const candidates = [...this.#streams].flatMap(([stream, jobs]) =>
      jobs
        .filter((each) => each.runner === runner && each.job.batchKey === job.batchKey)
        .map((waiting, depth) => ({ waiting, depth, time: this.#shares.timeOf(stream) })),
    );
    candidates.sort((a, b) => a.depth - b.depth || a.time - b.time);
    const batch: Waiting[] = [];
    for (const { waiting, time } of candidates) {
      if (batch.length < most && admits(waiting, batch.length + 1, time)) batch.push(waiting);
    }
    return batch;
  }
}
