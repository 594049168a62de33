/** Measures how the values of a tensor are distributed. */

/** Of the finite values, but for the counts. */
export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** All but 1 % of the values lie above `low`, and all but 1 % below `high`. */
  readonly low: number;
  readonly high: number;
  readonly notANumber: number;
  readonly infinite: number;
}

/** Percentiles are those of so many values, evenly taken. */
const SAMPLED = 20_000;

export function spreadOf(values: ArrayLike<number | bigint>): Spread {
  let [min, max, sum, notANumber, infinite] = [Infinity, -Infinity, 0, 0, 0];
  const stride = Math.max(1, Math.floor(values.length / SAMPLED));
  const sample: number[] = [];
  for (let at = 0; at < values.length; at++) {
    const value = Number(values[at]);
    if (Number.isNaN(value)) notANumber++;
    else if (!Number.isFinite(value)) infinite++;
    else {
      min = Math.min(min, value);
      max = Math.max(max, value);
      sum += value;
      if (at % stride === 0) sample.push(value);
    }
  }
  sample.sort((a, b) => a - b);
  const percentile = (share: number): number =>
    sample[Math.round(share * (sample.length - 1))] ?? Number.NaN;
  const finite = values.length - notANumber - infinite;
  return {
    count: values.length,
    min: finite === 0 ? Number.NaN : min,
    max: finite === 0 ? Number.NaN : max,
    mean: sum / finite,
    low: percentile(0.01),
    high: percentile(0.99),
    notANumber,
    infinite,
  };
}

/** `-0.02 to 0.98, mean 0.4`. */
export function describeSpread({ min, max, mean, notANumber, infinite }: Spread): string {
  const round = (value: number): string => String(Number(value.toPrecision(3)));
  const odd = [
    notANumber > 0 ? `${notANumber} NaN` : "",
    infinite > 0 ? `${infinite} infinite` : "",
  ].filter((part) => part !== "");
  const finite = Number.isNaN(min) ? [] : [`${round(min)} to ${round(max)}, mean ${round(mean)}`];
  return [...finite, ...odd].join(", ");
}
