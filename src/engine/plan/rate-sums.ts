/** Integrates a stream's rate parameters over media time, so that moving a slider changes the speed of a motion and not its position. */

interface Sum {
  readonly rate: number;
  /** Seconds of media time from which the sum grows by `rate`, starting at `base`. */
  readonly since: number;
  readonly base: number;
  /** Media time of the last call, in seconds. */
  readonly last: number;
}

export class RateSums {
  readonly #sums = new Map<string, Sum>();

  /**
   * Returns the integral of a rate up to this media time, which must not fall from call to call. A rate that never
   * changed gives rate × time in every engine; a new rate counts from the call before.
   *
   * @param key the rate's name, with that of its model
   */
  total(key: string, rate: number, seconds: number): number {
    const sum = changed(this.#sums.get(key), rate);
    this.#sums.set(key, { ...sum, last: seconds });
    return totalAt(sum, seconds);
  }
}

function changed(sum: Sum | undefined, rate: number): Sum {
  if (sum === undefined) return { rate, since: 0, base: 0, last: 0 };
  return sum.rate === rate ? sum : { ...sum, rate, since: sum.last, base: totalAt(sum, sum.last) };
}

const totalAt = ({ rate, since, base }: Sum, seconds: number): number =>
  base + rate * (seconds - since);
