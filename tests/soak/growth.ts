/** Estimates how much a measured quantity has grown, by a line through all samples that a few outliers do not bend. */

export interface Sample {
  /** Seconds. */
  readonly at: number;
  readonly value: number;
}

export interface Growth {
  /** Of the line, at the first and the last sample. */
  readonly start: number;
  readonly end: number;
  /** Of the start, in percent; 0 for fewer than three samples. */
  readonly percent: number;
}

/**
 * The line of Theil and Sen: its slope is the median of the slopes between all pairs of samples, so that a garbage collector's
 * peaks count as little as they are many.
 */
export function growthOf(samples: readonly Sample[]): Growth {
  const [first] = samples;
  const last = samples.at(-1);
  if (samples.length < 3 || first === undefined || last === undefined) {
    const value = median(samples.map((one) => one.value));
    return { start: value, end: value, percent: 0 };
  }
  const slopes = samples.flatMap((from, index) =>
    samples
      .slice(index + 1)
      .filter(({ at }) => at > from.at)
      .map(({ at, value }) => (value - from.value) / (at - from.at)),
  );
  const slope = median(slopes);
  const base = median(samples.map(({ at, value }) => value - slope * at));
  const [start, end] = [base + slope * first.at, base + slope * last.at];
  return { start, end, percent: (100 * (end - start)) / start };
}

/** 0 of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
