/** Hides what ends a batch job before its time: its deadline, a caller that has gone, a server that ends. */
import { WorkerError } from "../../errors.ts";

export interface JobEnds {
  /** Milliseconds. */
  readonly deadline: number;
  /** The caller has left. */
  readonly gone: AbortSignal;
  /** The server ends; its reason is the job's error. */
  readonly closing: AbortSignal;
}

/** What `work` gives in time; else throws `timeout`, or the reason of `closing`. `work` hears of it by its signal. */
export async function within<T>(
  { deadline, gone, closing }: JobEnds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (error: unknown) => {
    over.abort(error);
    ended.reject(error);
  };
  const timedOut = () =>
    end(new WorkerError("timeout", `the job took longer than ${deadline} ms (--batch-timeout)`));
  const left = () => end(new WorkerError("timeout", "the caller is gone"));
  const closed = () => end(closing.reason);
  const timer = setTimeout(timedOut, deadline);
  gone.addEventListener("abort", left, { once: true });
  closing.addEventListener("abort", closed, { once: true });
  if (gone.aborted) left();
  if (closing.aborted) closed();
  try {
    return await Promise.race([work(over.signal), ended.promise]);
  } finally {
    clearTimeout(timer);
    gone.removeEventListener("abort", left);
    closing.removeEventListener("abort", closed);
  }
}
