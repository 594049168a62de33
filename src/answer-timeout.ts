/** Limits how long the answer of a peer is waited for, with a reason that says so. */

/** As `AbortSignal.timeout`; the reason's message reads "it did not answer within 2 s". */
export function answerTimeout(ms: number): AbortSignal {
  const late = new AbortController();
  const why = `it did not answer within ${ms / 1000} s`;
  setTimeout(() => late.abort(new DOMException(why, "TimeoutError")), ms).unref();
  return late.signal;
}
