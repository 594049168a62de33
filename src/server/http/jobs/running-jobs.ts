/** Runs batch jobs, and ends each at its deadline, when its caller leaves, or when the server ends. */
import { WorkerError } from "../../../errors.ts";

/** Owner of a signal that may be created lazily. */
export interface HasSignal {
  readonly signal: AbortSignal;
}

/** The job as seen by its work. */
export interface RunningJob extends HasSignal {
  /** Throws the reason for which the job has ended, if it has. Costs nothing, unlike reading the signal. */
  throwIfEnded(): void;
}

export interface JobLimits {
  /** On the clock of `performance.now`. */
  readonly deadline: number;
  /** Milliseconds that the whole job has, for the message. */
  readonly total: number;
  /** Its signal aborts when the caller is gone: the request, for example. */
  readonly caller: HasSignal;
}

/** One timer serves all jobs, and no job makes a signal unasked: there may be thousands of small jobs a second. */
export class RunningJobs {
  readonly #jobs = new Set<Job>();
  /** Why there will be no more jobs; null while there may be. */
  #closed: { readonly error: unknown } | null = null;
  /** Set for the next deadline, or for an earlier one of a job that is over. Null without jobs. */
  #timer: { readonly at: number; readonly timeout: Timer } | null = null;

  /**
   * Returns what `work` returns in time; otherwise aborts the job's signal and throws `timeout` or the error of `close`.
   * A job that never reads its signal is not ended when its caller leaves.
   */
  run<T>(limits: JobLimits, work: (job: RunningJob) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const job = new Job(limits, (error) => {
        this.#leave(job);
        reject(error);
      });
      this.#jobs.add(job);
      if (this.#closed !== null) job.end(this.#closed.error);
      else this.#wakeAt(limits.deadline);
      const after = <Result>(settle: (result: Result) => void) => {
        return (result: Result): void => {
          this.#leave(job);
          job.leaveCaller();
          settle(result);
        };
      };
      Promise.try(work, job).then(after(resolve), after(reject));
    });
  }

  /** Ends all jobs with `error`, also those that come later. */
  close(error: unknown): void {
    this.#closed = { error };
    for (const job of this.#jobs) job.end(error);
  }

  #leave(job: Job): void {
    this.#jobs.delete(job);
    if (this.#jobs.size > 0) return;
    clearTimeout(this.#timer?.timeout);
    this.#timer = null;
  }

  #wakeAt(deadline: number): void {
    if (this.#timer !== null && this.#timer.at <= deadline) return;
    clearTimeout(this.#timer?.timeout);
    const timeout = setTimeout(() => this.#endOverdue(), Math.max(0, deadline - performance.now()));
    this.#timer = { at: deadline, timeout };
  }

  #endOverdue(): void {
    this.#timer = null;
    const now = performance.now();
    for (const job of this.#jobs) {
      if (job.deadline <= now) job.timeOut();
      else this.#wakeAt(job.deadline);
    }
  }
}

class Job implements RunningJob {
  readonly #limits: JobLimits;
  readonly #onEnd: (error: unknown) => void;
  /** Null until the signal is read. */
  #over: AbortController | null = null;
  /** Null while the job may run. */
  #reason: { readonly error: unknown } | null = null;

  constructor(limits: JobLimits, onEnd: (error: unknown) => void) {
    this.#limits = limits;
    this.#onEnd = onEnd;
  }

  get deadline(): number {
    return this.#limits.deadline;
  }

  get signal(): AbortSignal {
    if (this.#over !== null) return this.#over.signal;
    this.#over = new AbortController();
    const { signal: caller } = this.#limits.caller;
    if (this.#reason !== null) this.#over.abort(this.#reason.error);
    else if (caller.aborted) this.#callerLeft();
    else caller.addEventListener("abort", this.#callerLeft, { once: true });
    return this.#over.signal;
  }

  throwIfEnded(): void {
    if (this.#reason !== null) throw this.#reason.error;
  }

  timeOut(): void {
    const { total } = this.#limits;
    this.end(new WorkerError("timeout", `the job took longer than ${total} ms (--batch-timeout)`));
  }

  end(error: unknown): void {
    this.#reason ??= { error };
    this.#over?.abort(error);
    this.leaveCaller();
    this.#onEnd(error);
  }

  /** Stops listening to the caller. */
  leaveCaller(): void {
    if (this.#over === null) return;
    this.#limits.caller.signal.removeEventListener("abort", this.#callerLeft);
  }

  readonly #callerLeft = (): void => this.end(new WorkerError("timeout", "the caller is gone"));
}
