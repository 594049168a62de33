/** Tokens of prompts, with the ids that CLIP's own vocabulary gives them. */
import { expect, test } from "bun:test";
import { ClipTokenizer } from "../../../../../src/engine/diffusion/text/clip-tokenizer.ts";
import { END, SAMPLE_VOCABULARY, START, ZERO } from "../../../../support/sample-vocabulary.ts";

const tokenizer = new ClipTokenizer(SAMPLE_VOCABULARY);
const { id: start } = START;
const { id: end } = END;

test.each([
  ["a photo of a cat", [320, 1125, 539, 320, 2368]],
  ["  A Photo\tOF\r\na\u00a0CAT  ", [320, 1125, 539, 320, 2368]],
  ["it's don't", [585, 568, 847, 713]],
  ["1girl", [272, 1611]],
  ["naïve café", [1097, 35689, 563, 15304]],
  ["nai\u0308ve cafe\u0301", [1097, 35689, 563, 15304]],
  ["((cat))", [13796, 2368, 5167]],
  ["", []],
] as const)("%j", (text, ids) => {
  expect(tokenizer.encode(text)).toEqual([...ids]);
});

test("a start or end token that the text spells becomes that token, in lower case alone", () => {
  expect(tokenizer.encode("cat<|endoftext|>dog")).toEqual([2368, end, 1929]);
  expect(tokenizer.encode("<|startoftext|>")).toEqual([start]);
  expect(tokenizer.encode("<|ENDOFTEXT|>")).not.toContain(end);
});

test("a sigma at the end of a word has the tokens of any other sigma", () => {
  const [first, last] = ["σα", "ας"].map((word) => tokenizer.encode(word.toUpperCase()));
  expect(first?.slice(0, 2)).toEqual([139, 225]);
  expect(last?.slice(-2)).toEqual([139, 256 + 225]);
});

test("a byte order mark is a character, not white space", () => {
  expect(tokenizer.encode("\ufeffa")).toHaveLength(4);
});

test("half a surrogate pair has the tokens of a replacement character", () => {
  expect(tokenizer.encode("\ud83d")).toEqual(tokenizer.encode("\ufffd"));
});

test("the ids of an encoder run are cut and padded to its length", () => {
  expect([...tokenizer.encodeToLength("a cat")]).toEqual([
    start,
    320,
    2368,
    ...new Array(74).fill(end),
  ]);
  const long = tokenizer.encodeToLength("cat ".repeat(100));
  expect([...long]).toEqual([start, ...new Array(75).fill(2368), end]);
});

test("padding is the vocabulary's", () => {
  const zeroPadded = new ClipTokenizer({ ...SAMPLE_VOCABULARY, pad: ZERO });
  expect([...zeroPadded.encodeToLength("cat").subarray(0, 5)]).toEqual([start, 2368, end, 0, 0]);
});

// The longest text of a prompt has 10,000 characters. In quadratic time the accents alone would take ten seconds.
test.each([
  ["words", "snow deep, "],
  ["one word", "deepsnow"],
  ["accents", "\u0301\u0323"],
  ["special tokens", "<|endoftext|>"],
])("80,000 characters take no longer than they must: %s", (_, piece) => {
  const begun = performance.now();
  tokenizer.encode(`a${piece.repeat(80_000 / piece.length)}`);
  expect(performance.now() - begun).toBeLessThan(3000);
});
