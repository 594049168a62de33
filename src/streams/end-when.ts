/** Ends a stream in order when a signal aborts. */

/** Passes `source` on until `signal` aborts; then the result ends after what has been read, and the source is cancelled. */
export function endWhen<T>(source: ReadableStream<T>, signal: AbortSignal): ReadableStream<T> {
  const reader = source.getReader();
  return new ReadableStream<T>(
    {
      start(controller) {
        const end = (): void => {
          void reader.cancel(signal.reason).catch(() => {});
        };
        if (signal.aborted) end();
        else signal.addEventListener("abort", end, { once: true });
        reader.closed.then(
          () => signal.removeEventListener("abort", end),
          (reason) => {
            signal.removeEventListener("abort", end);
            controller.error(reason);
          },
        );
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
