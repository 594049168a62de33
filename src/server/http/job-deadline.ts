/** Ends a batch job early: at its deadline, when its caller is gone, or when the server ends. */
import { WorkerError } from "../../errors.ts";

export interface JobEnds {
  /** Milliseconds from now. */
  readonly deadline: number;
  /** Milliseconds that the whole job has, for the message; default: `deadline`. */
  readonly total?: number;
  /** Aborts when the caller is gone. */
  readonly gone: AbortSignal;
  /** Aborts when the server ends; its reason becomes the job's error. */
  readonly closing: AbortSignal;
}

/** Returns what `work` returns in time; otherwise aborts its signal and throws `timeout` or the reason of `closing`. */
export async function within<T>(
  { deadline, total = deadline, gone, closing }: JobEnds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (error: unknown) => {
    over.abort(error);
    ended.reject(error);
  };
  const timedOut = () =>
    end(new WorkerError("timeout", `the job took longer than ${total} ms (--batch-timeout)`));
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
