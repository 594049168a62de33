/** Integrates a stream's rate parameters over media time, so that moving a slider changes the speed of a motion and not its position. */
import type { ModelDefinition } from "../models/definition.ts";
import type { ParamValues } from "../protocol/models.ts";

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
   * Returns the integrals of the model's rate parameters, by name, at this media time, which must not fall from call to
   * call. A rate that never changed gives rate × time in every engine; a new rate counts from the frame before.
   */
  at(model: ModelDefinition, params: ParamValues, seconds: number): Record<string, number> {
    const totals: Record<string, number> = {};
    for (const scalar of model.scalars) {
      if (scalar.role !== "param" || !scalar.sum) continue;
      const { name } = scalar.param;
      const key = `${model.name} ${name}`;
      const rate = Number(params[name] ?? scalar.param.default);
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
