/** Reads a set of cases with arrays from the complete reference data, in the form in which clones have them. */
import { readFileSync } from "node:fs";
import { sharedData } from "../../tests/support/shared-data.ts";

export interface ArrayCase {
  readonly id: string;
  readonly [field: string]: unknown;
  readonly arrays: Readonly<Record<string, StoredArray>>;
}

/** Row-major float32, little-endian, as base64: exact, and half as long as decimals. */
export interface StoredArray {
  readonly shape: readonly number[];
  readonly f32: string;
}

interface Index {
  readonly cases: readonly (Omit<ArrayCase, "arrays"> & {
    readonly id: string;
    readonly arrays: Readonly<Record<string, { offset: number; shape: number[] }>>;
  })[];
}

/** The path of a file of the complete data. Throws where it is absent. */
export function goldenPath(name: string): string {
  const path = sharedData(`golden/${name}`);
  if (path === null) throw new Error(`../shared/data/golden/${name} is absent`);
  return path;
}

/** Integers above 2⁵³ become strings. */
export function readArrayCases(set: string): ArrayCase[] {
  const text = readFileSync(goldenPath(`${set}.json`), "utf8");
  const { cases }: Index = JSON.parse(text.replace(/: (\d{16,})([,}])/g, ': "$1"$2'));
  const bytes = new Uint8Array(readFileSync(goldenPath(`${set}.f32`)));
  return cases.map(({ arrays, ...its }) => ({
    ...its,
    arrays: Object.fromEntries(
      Object.entries(arrays).map(([name, { offset, shape }]) => {
        const count = shape.reduce((product, side) => product * side, 1);
        const f32 = bytes.slice(4 * offset, 4 * (offset + count)).toBase64();
        return [name, { shape, f32 }];
      }),
    ),
  }));
}

/** The case with these of its arrays, as far as it has them. */
export function withArrays(its: ArrayCase, names: readonly string[]): ArrayCase {
  const arrays = Object.entries(its.arrays).filter(([name]) => names.includes(name));
  return { ...its, arrays: Object.fromEntries(arrays) };
}
