/** Reads sets of reference arrays: those that every clone has, and the complete ones of the shared data. */
import { expect } from "bun:test";
import { type ArrayCase, readArrayCases } from "../../scripts/references/array-cases.ts";
import { readReference } from "./reference.ts";
import { sharedData } from "./shared-data.ts";

/** One case: what was run, and the arrays that came out. */
export type GoldenCase<Parameters> = Parameters & {
  readonly id: string;
  /** For a test's name: tells both sources apart. */
  readonly title: string;
  /** The numbers of an array, row-major; throws if the case does not hold it. */
  array(name: string): Float32Array;
  shape(name: string): readonly number[];
  has(name: string): boolean;
};

/**
 * The cases of a set such as `samplers/brownian`: those of `tests/reference`, which may hold fewer of their arrays, and
 * where the shared data is present the cases of it. Integers above 2⁵³ (seeds) come as strings.
 */
export function goldenCases<Parameters>(set: string): GoldenCase<Parameters>[] {
  const { cases } = readReference<{ cases: ArrayCase[] }>(set.replace("/", "-"), { cases: [] });
  const complete = sharedData(`golden/${set}.json`) === null ? [] : readArrayCases(set);
  return [
    ...cases.map((its) => goldenCase<Parameters>(its, `${its.id} (every clone)`)),
    ...complete.map((its) => goldenCase<Parameters>(its, its.id)),
  ];
}

function goldenCase<Parameters>(its: ArrayCase, title: string): GoldenCase<Parameters> {
  const stored = (name: string) => {
    const found = its.arrays[name];
    if (found === undefined) throw new Error(`${its.id} has no array ${name}`);
    return found;
  };
  return {
    ...(its as ArrayCase & Parameters),
    title,
    has: (name) => name in its.arrays,
    shape: (name) => stored(name).shape,
    array: (name) => new Float32Array(Uint8Array.fromBase64(stored(name).f32).buffer),
  };
}

/** Passes if each value is within `atol + rtol·|expected|` of the expected one, and NaN where that is NaN. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol = 0, rtol = 0 }: { readonly atol?: number; readonly rtol?: number },
): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [value, wanted] = [actual[i] as number, expected[i] as number];
    if (Object.is(value, wanted)) continue;
    if (!(Math.abs(value - wanted) <= atol + rtol * Math.abs(wanted))) {
      throw new Error(
        `value ${i} is ${value}, expected ${wanted} within ${atol} + ${rtol}·|expected|`,
      );
    }
  }
}

/** The largest difference of two arrays, as a share of the largest expected value or of 1 if that is larger. */
export function worstRatio(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  let largest = 1;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i] as number));
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    if (!(difference <= worst)) worst = difference;
  }
  return worst / largest;
}
