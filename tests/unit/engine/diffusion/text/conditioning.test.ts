/** Joining conditionings along tokens and width, and what becomes of different lengths. */
import { expect, test } from "bun:test";
import {
  averaged,
  concatTokens,
  joinEncoders,
  padded,
  zeroed,
} from "../../../../../src/engine/diffusion/text/conditioning.ts";
import { conditioning, rows } from "./conditionings.ts";

const short = conditioning([[1, 2]], [5]);
const long = conditioning([[3, 4], [5, 6]], [7]); // biome-ignore format: one row a token
const wide = conditioning([[1, 2, 3]]);

test("concatenation appends tokens and keeps the first pooled vector", () => {
  const joined = concatTokens(short, long);
  expect(rows(joined)).toEqual([[1, 2], [3, 4], [5, 6]]); // biome-ignore format: one row a token
  expect([joined.tokens, joined.width, joined.pooled]).toEqual([3, 2, Float32Array.of(5)]);
});

test("two encoders stand side by side, with the pooled vector of the second", () => {
  const joined = joinEncoders(long, { ...wide, pooled: Float32Array.of(9) });
  expect(rows(joined)).toEqual([[3, 4, 1, 2, 3]]);
  expect([joined.tokens, joined.width, joined.pooled]).toEqual([1, 5, Float32Array.of(9)]);
});

test("zeros have the shape of the conditioning", () => {
  expect(zeroed(long)).toEqual(conditioning([[0, 0], [0, 0]], [0])); // biome-ignore format: one row a token
  expect(zeroed(wide).pooled).toBeNull();
});

test("an average has the length of its first conditioning: the other is cut, or goes on with zeros", () => {
  expect(averaged(short, long, 0.25)).toEqual(conditioning([[2.5, 3.5]], [6.5]));
  expect(averaged(long, short, 0.25)).toEqual(conditioning([[1.5, 2.5], [1.25, 1.5]], [5.5])); // biome-ignore format: one row a token
});

test("the only pooled vector of an average is taken as it is", () => {
  expect(averaged({ ...short, pooled: null }, long, 0.25).pooled).toEqual(long.pooled);
});

test("padding appends the empty prompt until there are enough tokens", () => {
  const empty = conditioning([[0, 9]], [0]);
  expect(padded(short, 3, empty)).toEqual(conditioning([[1, 2], [0, 9], [0, 9]], [5])); // biome-ignore format: one row a token
  expect(padded(long, 2, empty)).toBe(long);
});

test("conditionings of different encoders cannot be combined", () => {
  for (const combine of [concatTokens, averaged]) {
    expect(() => combine(short, wide, 1)).toThrow("2 and 3 numbers a token");
  }
});
