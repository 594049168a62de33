/** What a stream's rates have added up to over its media time, so that a slider changes speed and not place. */
import type { ModelDefinition } from "../models/definition.ts";

interface Sum {
  readonly rate: number;
  /** From `since` on, in seconds, the sum grows by `rate` from `base`. */
  readonly since: number;
  readonly base: number;
  /** When it was asked for last. */
  readonly last: number;
}

export class RateSums {
  readonly #sums = new Map<string, Sum>();

  /**
   * The model's sums by parameter name at this media time, which does not fall from call to call. A rate
   * that never changed gives rate × time, whichever engine counts; one that changed does so from the
   * frame before on.
   */
  at(
    model: ModelDefinition,
    params: Readonly<Record<string, number>>,
    seconds: number,
  ): Record<string, number> {
    const totals: Record<string, number> = {};
    for (const scalar of model.scalars) {
      if (scalar.role !== "param" || !scalar.sum) continue;
      const { name } = scalar.param;
      const key = `${model.name} ${name}`;
      const rate = params[name] ?? scalar.param.default;
      const sum = changed(this.#sums.get(key), rate);
      this.#sums.set(key, { ...sum, last: seconds });
      totals[name] = totalAt(sum, seconds);
    }
    return totals;
  }
}

function changed(sum: Sum | undefined, rate: number): Sum {
  if (sum === undefined) return { rate, since: 0, base: 0, last: 0 };
  return sum.rate === rate ? sum : { ...sum, rate, since: sum.last, base: totalAt(sum, sum.last) };
}

const totalAt = ({ rate, since, base }: Sum, seconds: number): number =>
  base + rate * (seconds - since);
