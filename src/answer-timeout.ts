/** Limits how long the answer of a peer is waited for, with a reason that says so. */

/** To be disposed when the answer has come, or is not wanted any more: nothing is left of it then. */
export interface AnswerTimeout extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * As `AbortSignal.timeout`; the reason's message reads "it did not answer within 2 s".
 *
 * @example
 * using late = answerTimeout(2000);
 * const response = await fetch(url, { signal: late.signal });
 */
export function answerTimeout(ms: number): AnswerTimeout {
  const late = new AbortController();
  const why = `it did not answer within ${ms / 1000} s`;
  const timer = setTimeout(() => late.abort(new DOMException(why, "TimeoutError")), ms);
  timer.unref();
  return { signal: late.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}
