/** How the prompts of a stream share one conditioning. */
import { expect, test } from "bun:test";
import {
  mixConditionings,
  mixPrompts,
} from "../../../../../src/engine/diffusion/text/prompt-mixture.ts";
import { conditioning, rows } from "./conditionings.ts";

const shares = (texts: readonly { text: string; share: number }[]) =>
  Object.fromEntries(texts.map(({ text, share }) => [text, share]));
const positive = (...weights: (number | undefined)[]) =>
  mixPrompts(
    weights.map((weight, at) => ({
      prompt: "abc"[at] ?? "",
      ...(weight === undefined ? {} : { weight }),
    })),
  ).positive.map(({ text, share }) => `${text} ${share}`);

test.each([
  ["one prompt counts in full", [undefined], ["a 1"]],
  ["prompts without weights share evenly", [undefined, undefined], ["a 0.5", "b 0.5"]],
  ["weights above a sum of 1 share it", [1, 3], ["a 0.25", "b 0.75"]],
  ["weights below a sum of 1 stay what they are", [0.5, 0.25], ["a 0.5", "b 0.25"]],
  ["a negative weight takes its share, too", [1, -1], ["a 0.5", "b -0.5"]],
  ["a weight of 0 leaves the prompt out", [1, 0, 1], ["a 0.5", "c 0.5"]],
  ["nothing is left", [0], []],
])("%s", (_, weights, expected) => {
  expect(positive(...weights)).toEqual(expected);
});

test("negative prompts are shared among the prompts that have one and are wanted", () => {
  const { negative } = mixPrompts([
    { prompt: "a", negative_prompt: "blurry" },
    { prompt: "b", negative_prompt: "dark", weight: 3 },
    { prompt: "c", negative_prompt: " " },
    { prompt: "d", weight: 4 },
    { prompt: "e", negative_prompt: "unwanted", weight: -1 },
  ]);
  expect(shares(negative)).toEqual({ blurry: 0.25, dark: 0.75 });
  expect(mixPrompts([{ prompt: "a" }]).negative).toEqual([]);
});

const EMPTY = conditioning([[10, 10]], [1]);
const one = conditioning([[20, 10]], [2]);
const two = conditioning([[10, 30], [50, 50]], [4]); // biome-ignore format: one row a token

test("shares with a sum of 1 give the average; the shorter prompt goes on with the empty one", () => {
  const mixed = mixConditionings(
    [
      { conditioning: one, share: 0.75 },
      { conditioning: two, share: 0.25 },
    ],
    EMPTY,
  );
  expect(rows(mixed)).toEqual([[17.5, 15], [20, 20]]); // biome-ignore format: one row a token
  expect([mixed.tokens, mixed.width, mixed.pooled]).toEqual([2, 2, Float32Array.of(2.5)]);
});

test("what shares leave is the empty prompt's; a negative share leaves more", () => {
  expect(rows(mixConditionings([{ conditioning: one, share: 0.5 }], EMPTY))).toEqual([[15, 10]]);
  expect(rows(mixConditionings([{ conditioning: one, share: -0.5 }], EMPTY))).toEqual([[5, 10]]);
});

test("a prompt that counts in full is not copied; no prompt is the empty one", () => {
  expect(mixConditionings([{ conditioning: one, share: 1 }], EMPTY)).toBe(one);
  expect(mixConditionings([], EMPTY)).toBe(EMPTY);
});
