/** Weights move the vector of a token between the empty prompt's and its own, and beyond. */
import { expect, test } from "bun:test";
import type { PromptChunk } from "../../../../../src/engine/diffusion/text/prompt-chunks.ts";
import { weighTokens } from "../../../../../src/engine/diffusion/text/weigh-tokens.ts";
import { rows } from "./conditionings.ts";

const chunk = (...weights: number[]): PromptChunk => ({
  ids: new Int32Array(weights.length),
  weights: Float64Array.from(weights),
});
const encoded = (pooled: number[] | null, ...hidden: number[]) => ({
  hidden: Float32Array.from(hidden),
  width: 2,
  pooled: pooled && Float32Array.from(pooled),
});
const EMPTY = Float32Array.of(1, 1, 2, 2);

test("each token's vector becomes (z - e)·w + e, position by position, in every chunk", () => {
  const hidden = encoded(null, 1, 1, 4, 6, 1, 1, 4, 6);
  const weighted = weighTokens(hidden, [chunk(1, 1.5), chunk(1, -0.5)], EMPTY);
  expect(rows(weighted)).toEqual([[1, 1], [5, 8], [1, 1], [1, 0]]); // biome-ignore format: one row a token
  expect([weighted.tokens, weighted.width]).toEqual([4, 2]);
});

test("a token of weight 0 is that of the empty prompt", () => {
  expect(rows(weighTokens(encoded(null, 8, 8, 9, 9), [chunk(1, 0)], EMPTY))[1]).toEqual([2, 2]);
});

test("without weights the empty prompt is not needed", () => {
  expect(rows(weighTokens(encoded(null, 3, 4), [chunk(1)], null))).toEqual([[3, 4]]);
});

test("the pooled vector is that of the first chunk", () => {
  const { pooled } = weighTokens(encoded([1, 2, 3, 4], 0, 0, 0, 0), [chunk(1), chunk(1)], null);
  expect(pooled).toEqual(Float32Array.of(1, 2));
});

test.each([
  ["too few hidden values", [chunk(1, 1, 1)], EMPTY, "4 hidden values for 3 tokens of width 2"],
  ["no empty prompt", [chunk(1, 2)], null, "needs the embeddings of the empty prompt"],
  [
    "a weight that is not a number",
    [chunk(1, Number.NaN)],
    EMPTY,
    "a text of the prompt has the weight NaN",
  ],
])("%s: an error", (_, chunks, empty, message) => {
  expect(() => weighTokens(encoded(null, 1, 2, 3, 4), chunks, empty)).toThrow(message);
});
