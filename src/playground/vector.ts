/** Reads and changes vectors whose entries have names: a choice of one entry, or a blend of several. */
import type { Param } from "./api.ts";

export type VectorParam = Extract<Param, { type: "vector" }>;

/** An entry that takes part. */
export interface Part {
  readonly index: number;
  readonly name: string;
  readonly weight: number;
}

/** The entries whose weight is not zero, in the vector's order. An entry without a name is called by its place. */
export const partsOf = (param: VectorParam, value: readonly number[]): Part[] =>
  value.flatMap((weight, index) =>
    weight === 0 ? [] : [{ index, weight, name: entryName(param, index) }],
  );

export const entryName = ({ entries }: VectorParam, index: number): string =>
  entries[index] || `entry ${index + 1}`;

/** Shares of the whole in percent, whole numbers that add up to 100; null where weights are no shares. */
export function percentages(weights: readonly number[]): number[] | null {
  const total = sum(weights);
  if (total <= 0 || weights.some((weight) => weight < 0)) return null;
  const exact = weights.map((weight) => (weight / total) * 100);
  const whole = exact.map(Math.floor);
  const missing = 100 - sum(whole);
  // The shares that lost most by rounding down get the rest.
  const byLoss = exact.map((share, index) => ({ index, loss: share - Math.floor(share) }));
  byLoss.sort((a, b) => b.loss - a.loss);
  for (const { index } of byLoss.slice(0, missing)) whole[index] = (whole[index] ?? 0) + 1;
  return whole;
}

/** A single entry at full weight. */
export const onlyEntry = (param: VectorParam, index: number): number[] =>
  param.default.map((_, at) => (at === index ? fullWeight(param) : 0));

/** The entry joins the others with their mean weight. */
export function withEntry(param: VectorParam, value: readonly number[], index: number): number[] {
  const parts = partsOf(param, value);
  const total = sum(parts.map(({ weight }) => weight));
  return withWeight(
    value,
    index,
    parts.length === 0 || total === 0 ? fullWeight(param) : total / parts.length,
  );
}

/** Another entry takes the place and the weight of one that took part. */
export const withSwapped = (value: readonly number[], from: number, to: number): number[] =>
  withWeight(withWeight(value, from, 0), to, value[from] ?? 0);

export const withWeight = (value: readonly number[], index: number, weight: number): number[] =>
  value.map((before, at) => (at === index ? weight : before));

/** `{"entry": weight}`, where that says the same as the whole list; otherwise null. */
export function weightsByName(
  { entries }: VectorParam,
  value: readonly number[],
): Record<string, number> | null {
  const named = value.flatMap((weight, index) =>
    weight === 0 ? [] : [{ name: entries[index] ?? "", weight }],
  );
  const isUnique = ({ name }: { name: string }) =>
    name !== "" && entries.indexOf(name) === entries.lastIndexOf(name);
  if (named.length === 0 || !named.every(isUnique)) return null;
  return Object.fromEntries(named.map(({ name, weight }) => [name, weight]));
}

const fullWeight = ({ min, max }: VectorParam): number => Math.min(Math.max(1, min), max);

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((before, number) => before + number, 0);
