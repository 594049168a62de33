/** Reads a set of reference arrays: `<name>.json` (cases) beside `<name>.f32` (their numbers). */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { sharedData } from "./shared-data.ts";

interface StoredArray {
  readonly offset: number;
  readonly shape: readonly number[];
}

/** One case: what was run, and the arrays that came out. */
export type GoldenCase<Parameters> = Parameters & {
  readonly id: string;
  /** The numbers of an array, row-major; throws if the case does not hold it. */
  array(name: string): Float32Array;
  shape(name: string): readonly number[];
  has(name: string): boolean;
};

/**
 * The cases of `golden/<name>`; null where the shared data is absent. Integers above 2⁵³ (seeds) come as strings.
 */
export function goldenCases<Parameters>(name: string): GoldenCase<Parameters>[] | null {
  const index = sharedData(`golden/${name}.json`);
  if (index === null) return null;
  const text = readFileSync(index, "utf8").replace(/: (\d{16,})([,}])/g, ': "$1"$2');
  const { cases }: { cases: (Parameters & { id: string; arrays: Record<string, StoredArray> })[] } =
    JSON.parse(text);
  const bytes = readFileSync(index.replace(/\.json$/, ".f32"));
  const numbers = new Float32Array(new Uint8Array(bytes).buffer);
  return cases.map((one) => {
    const stored = (array: string): StoredArray => {
      const found = one.arrays[array];
      if (found === undefined) throw new Error(`${one.id} holds no array ${array}`);
      return found;
    };
    return {
      ...one,
      has: (array) => array in one.arrays,
      shape: (array) => stored(array).shape,
      array: (array) => {
        const { offset, shape } = stored(array);
        return numbers.slice(offset, offset + shape.reduce((a, b) => a * b, 1));
      },
    };
  });
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
