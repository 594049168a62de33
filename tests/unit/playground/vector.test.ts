/** Tests how the playground reads and changes vectors with named entries. */
import { describe, expect, test } from "bun:test";
import {
  onlyEntry,
  partsOf,
  percentages,
  type VectorParam,
  weightsByName,
  withEntry,
  withSwapped,
} from "../../../src/playground/vector.ts";

const style: VectorParam = {
  type: "vector",
  name: "style",
  description: "",
  default: [1, 0, 0, 0],
  min: 0,
  max: 1,
  entries: ["mosaic", "candy", "", "wave"],
  blend: true,
};

test("the parts of a blend are the entries with a weight, by name", () => {
  expect(partsOf(style, [0, 0.5, 1, 0])).toEqual([
    { index: 1, name: "candy", weight: 0.5 },
    { index: 2, name: "entry 3", weight: 1 },
  ]);
});

describe("shares in percent", () => {
  test("add up to 100", () => {
    expect(percentages([1, 1, 1])).toEqual([34, 33, 33]);
    expect(percentages([0.2, 0.8])).toEqual([20, 80]);
    expect(percentages([0.001, 5])).toEqual([0, 100]);
    const many = percentages(Array.from({ length: 26 }, (_, index) => index + 1)) ?? [];
    expect(many.reduce((sum, share) => sum + share)).toBe(100);
  });

  test("there are none where weights are negative or all zero", () => {
    expect(percentages([1, -1])).toBeNull();
    expect(percentages([0, 0])).toBeNull();
    expect(percentages([])).toBeNull();
  });
});

test("a chosen entry gets the full weight, within the range", () => {
  expect(onlyEntry(style, 3)).toEqual([0, 0, 0, 1]);
  expect(onlyEntry({ ...style, max: 0.5 }, 1)).toEqual([0, 0.5, 0, 0]);
});

test("an entry joins a blend with the mean weight of the others", () => {
  expect(withEntry(style, [1, 0, 0, 0.5], 1)).toEqual([1, 0.75, 0, 0.5]);
  expect(withEntry(style, [0, 0, 0, 0], 1)).toEqual([0, 1, 0, 0]);
});

test("a swapped entry hands over its weight", () => {
  expect(withSwapped([0.25, 0, 0, 1], 0, 1)).toEqual([0, 0.25, 0, 1]);
});

describe("weights by name", () => {
  test("say the same as the list", () => {
    expect(weightsByName(style, [0, 0.5, 0, 1])).toEqual({ candy: 0.5, wave: 1 });
  });

  test("are not used where they would not: unnamed, repeated, or no entries", () => {
    expect(weightsByName(style, [1, 0, 1, 0])).toBeNull();
    expect(weightsByName({ ...style, entries: ["a", "a", "b", "c"] }, [1, 0, 0, 0])).toBeNull();
    expect(weightsByName({ ...style, entries: [] }, [1, 0, 0, 0])).toBeNull();
    expect(weightsByName(style, [0, 0, 0, 0])).toBeNull();
  });
});
