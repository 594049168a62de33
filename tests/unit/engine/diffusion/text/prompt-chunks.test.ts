/** How prompts fall into encoder runs of 77 tokens. */
import { expect, test } from "bun:test";
import { ClipTokenizer } from "../../../../../src/engine/diffusion/text/clip-tokenizer.ts";
import {
  chunkPrompt,
  emptyPromptChunk,
  isWeighted,
} from "../../../../../src/engine/diffusion/text/prompt-chunks.ts";
import { END, SAMPLE_VOCABULARY, START, ZERO } from "../../../../support/sample-vocabulary.ts";

const tokenizer = new ClipTokenizer(SAMPLE_VOCABULARY);
const { id: start } = START;
const { id: end } = END;
const [CAT, DOG, A] = [2368, 1929, 320];

/** The tokens of each chunk up to the end token, and their weights. */
const chunks = (prompt: string) =>
  chunkPrompt(tokenizer, prompt).map(({ ids, weights }) => {
    const used = ids.indexOf(end);
    expect([...ids.subarray(used)]).toEqual(new Array(77 - used).fill(end));
    expect([...weights.subarray(used)]).toEqual(new Array(77 - used).fill(1));
    return [...ids.subarray(0, used)].map((id, at) => [id, weights[at]]);
  });
const times = <T>(count: number, value: T): T[] => new Array(count).fill(value);

test("tokens have the weight of their segment; start, end and padding have weight 1", () => {
  expect(chunks("a (cat:1.3)")).toEqual([
    [
      [start, 1],
      [A, 1],
      [CAT, 1.3],
    ],
  ]);
});

test("the empty prompt is one chunk, the one that weights are measured from", () => {
  expect(chunkPrompt(tokenizer, "")).toEqual([emptyPromptChunk(tokenizer)]);
  expect(chunks("")).toEqual([[[start, 1]]]);
});

test("75 tokens fill a chunk, one more opens another", () => {
  expect(chunks("cat ".repeat(75)).map(({ length }) => length)).toEqual([76]);
  expect(chunks("cat ".repeat(76)).map(({ length }) => length)).toEqual([76, 2]);
  expect(chunks("cat ".repeat(151)).map(({ length }) => length)).toEqual([76, 76, 2]);
});

test("a segment of up to seven tokens moves to the next chunk as a whole, a longer one is split", () => {
  const filler = times(70, [CAT, 1]);
  const moved = chunks(`${"cat ".repeat(70)}(${"dog ".repeat(7)}:1.2)`);
  expect(moved).toEqual([
    [[start, 1], ...filler],
    [[start, 1], ...times(7, [DOG, 1.2])],
  ]);
  const split = chunks(`${"cat ".repeat(70)}(${"dog ".repeat(8)}:1.2)`);
  expect(split).toEqual([
    [[start, 1], ...filler, ...times(5, [DOG, 1.2])],
    [[start, 1], ...times(3, [DOG, 1.2])],
  ]);
});

test.each([
  ["a embedding:foo, cat", [A, 267, CAT]],
  ["embedding:foo cat", [CAT]],
  ["a\nembedding:foo", [A]],
  ["(embedding:foo:1.2) cat", [CAT]],
  ["embedding:", []],
])("the name of a textual inversion is left out: %j", (prompt, tokens) => {
  expect(chunks(prompt)[0]?.map(([id]) => id)).toEqual([start, ...tokens]);
});

test("padding after the end token is the tokenizer's", () => {
  const zeroPadded = new ClipTokenizer({ ...SAMPLE_VOCABULARY, pad: ZERO });
  const [chunk] = chunkPrompt(zeroPadded, "cat");
  expect([...(chunk?.ids.subarray(0, 5) ?? [])]).toEqual([start, CAT, end, 0, 0]);
});

test("a prompt is weighted if a token's weight differs from 1", () => {
  expect(isWeighted(chunkPrompt(tokenizer, "a (cat:1.0)"))).toBe(false);
  expect(isWeighted(chunkPrompt(tokenizer, "a ((cat))"))).toBe(true);
});
