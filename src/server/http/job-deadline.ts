/** Ends a batch job early: at its deadline, when its caller is gone, or when the server ends. */
import { WorkerError } from "../../errors.ts";

/** Owner of a signal that may be created lazily. */
export interface HasSignal {
  readonly signal: AbortSignal;
}

/** The job as seen by its work. */
export interface RunningJob extends HasSignal {
  /** Throws the reason for which the job has ended, if it has. Costs nothing, unlike reading the signal. */
  throwIfEnded(): void;
}

export interface JobEnds {
  /** Milliseconds from now. */
  readonly deadline: number;
  /** Milliseconds that the whole job has, for the message; default: `deadline`. */
  readonly total?: number;
  /** Its signal aborts when the caller is gone: the request, for example. */
  readonly caller: HasSignal;
  /** Aborts when the server ends; its reason becomes the job's error. */
  readonly closing: AbortSignal;
}

/**
 * Returns what `work` returns in time; otherwise aborts the job's signal and throws `timeout` or the reason of `closing`.
 * A job that never reads its signal is not ended when its caller leaves: making two signals and listening to one takes up
 * to a tenth of the time of a job that waits for nothing.
 */
export async function within<T>(
  { deadline, total = deadline, caller, closing }: JobEnds,
  work: (job: RunningJob) => Promise<T>,
): Promise<T> {
  const job = new Job(caller);
  const timedOut = () =>
    job.end(new WorkerError("timeout", `the job took longer than ${total} ms (--batch-timeout)`));
  const closed = () => job.end(closing.reason);
  const timer = setTimeout(timedOut, deadline);
  closing.addEventListener("abort", closed, { once: true });
  if (closing.aborted) closed();
  try {
    return await Promise.race([work(job), job.ended]);
  } finally {
    clearTimeout(timer);
    closing.removeEventListener("abort", closed);
    job.leave();
  }
}

class Job implements RunningJob {
  readonly #caller: HasSignal;
  readonly #ended = Promise.withResolvers<never>();
  /** Null until the signal is read. */
  #over: AbortController | null = null;
  /** Null while the job may run. */
  #reason: { readonly error: unknown } | null = null;

  constructor(caller: HasSignal) {
    this.#caller = caller;
  }

  /** Rejects when the job is to end. */
  get ended(): Promise<never> {
    return this.#ended.promise;
  }

  get signal(): AbortSignal {
    if (this.#over !== null) return this.#over.signal;
    this.#over = new AbortController();
    if (this.#reason !== null) this.#over.abort(this.#reason.error);
    else if (this.#caller.signal.aborted) this.#callerLeft();
    else this.#caller.signal.addEventListener("abort", this.#callerLeft, { once: true });
    return this.#over.signal;
  }

  throwIfEnded(): void {
    if (this.#reason !== null) throw this.#reason.error;
  }

  end(error: unknown): void {
    this.#reason ??= { error };
    this.#over?.abort(error);
    this.#ended.reject(error);
  }

  /** Stops listening to the caller. */
  leave(): void {
    if (this.#over !== null) this.#caller.signal.removeEventListener("abort", this.#callerLeft);
  }

  readonly #callerLeft = (): void => this.end(new WorkerError("timeout", "the caller is gone"));
}
