/** Shares an expensive reading among all who ask for it within a short time. */

/**
 * Returns a function that reads at most once per `maxAgeMs`: callers meanwhile get the same value, also while it is still
 * being read. A failure is not kept.
 *
 * @example const gpus = recent(readGpus, 1000);
 */
export function recent<T>(read: () => Promise<T>, maxAgeMs: number): () => Promise<T> {
  let last: { readonly value: Promise<T>; at: number } | null = null;
  return () => {
    if (last !== null && performance.now() - last.at < maxAgeMs) return last.value;
    // While it is being read it is as fresh as can be.
    const reading = { value: read(), at: Number.POSITIVE_INFINITY };
    last = reading;
    reading.value.then(
      () => {
        reading.at = performance.now();
      },
      () => {
        if (last === reading) last = null;
      },
    );
    return reading.value;
  };
}
