/** Computes the values of a model's scalar inputs for one run. */
import type { ModelDefinition } from "../models/definition.ts";
import type { ParamValues } from "../protocol/models.ts";
import type { Size } from "../protocol/work.ts";
import type { Scalars } from "./protocol.ts";

export interface ScalarSources {
  /** By parameter name; those absent have the model's default. */
  readonly params: ParamValues;
  readonly size: Size;
  readonly timeSeconds: number;
  /** Integrals over time by parameter name, from `RateSums`; absent: each value has held from the start. */
  readonly sums?: Readonly<Record<string, number>>;
}

/** Returns the values by tensor name. */
export function scalarsOf({ scalars }: ModelDefinition, from: ScalarSources): Scalars {
  const numbers: Record<string, number> = {};
  for (const scalar of scalars) {
    switch (scalar.role) {
      case "param": {
        const { name } = scalar.param;
        const value = Number(from.params[name] ?? scalar.param.default);
        numbers[scalar.tensor] = scalar.sum
          ? (from.sums?.[name] ?? value * from.timeSeconds)
          : value;
        break;
      }
      case "time":
        numbers[scalar.tensor] = from.timeSeconds;
        break;
      case "width":
      case "height":
        numbers[scalar.tensor] = from.size[scalar.role];
    }
  }
  return numbers;
}
