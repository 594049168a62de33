/** Reads sets of reference numbers: an index `<name>.json` with cases, and their arrays in `<name>.f32`. */
import type { Tensor } from "../../src/engine/models/tensor.ts";
import { sharedData } from "./shared-data.ts";

export interface GoldenCase {
  readonly id: string;
  readonly [field: string]: unknown;
}

export interface GoldenSet {
  readonly cases: readonly GoldenCase[];
  /** An array of a case. Throws where it has none of that name. */
  array(its: GoldenCase, name: string): Tensor;
}

/** The set below `golden/`, such as `pipeline/modules`; null where the data is absent. */
export async function goldenSet(path: string): Promise<GoldenSet | null> {
  const index = sharedData(`golden/${path}.json`);
  const numbers = sharedData(`golden/${path}.f32`);
  if (index === null || numbers === null) return null;
  const { cases } = (await Bun.file(index).json()) as { cases: GoldenCase[] };
  const all = new Float32Array(await Bun.file(numbers).arrayBuffer());
  return {
    cases,
    array(its, name) {
      const arrays = its["arrays"] as Record<string, { offset: number; shape: number[] }>;
      const found = arrays[name];
      if (found === undefined) throw new Error(`${its.id} has no array ${name}`);
      const count = found.shape.reduce((product, side) => product * side, 1);
      const data = all.slice(found.offset, found.offset + count);
      return { dtype: "float32", dims: found.shape, data };
    },
  };
}

/** The greatest difference of two tensors of the same shape; infinite where the shapes differ. */
export function greatestDifference(a: Tensor | undefined, b: Tensor): number {
  if (a === undefined || a.dims.join() !== b.dims.join()) return Number.POSITIVE_INFINITY;
  let greatest = 0;
  for (const [at, value] of b.data.entries()) {
    greatest = Math.max(greatest, Math.abs(Number(value) - Number(a.data[at])));
  }
  return greatest;
}

/** The greatest absolute value of a tensor, at least 1: what tolerances are relative to. */
export function greatestOf({ data }: Tensor): number {
  let greatest = 1;
  for (const value of data) greatest = Math.max(greatest, Math.abs(Number(value)));
  return greatest;
}
