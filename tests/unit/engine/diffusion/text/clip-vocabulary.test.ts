/** Reading tokenizer folders in the forms in which they are found, and what is said of broken ones. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readClipVocabulary } from "../../../../../src/engine/diffusion/text/clip-vocabulary.ts";
import { END, SAMPLE_VOCABULARY, START, ZERO } from "../../../../support/sample-vocabulary.ts";

const { ids, merges } = SAMPLE_VOCABULARY;
const VOCAB = JSON.stringify(ids);
const MERGES = ["#version: 0.2", ...merges, ""].join("\n");
const specialTokens = (pad: unknown) => ({
  bos_token: { content: START.spelling, lstrip: false },
  eos_token: END.spelling,
  pad_token: pad,
});
const tokenizerJson = (pairs: readonly unknown[], model = {}) =>
  JSON.stringify({
    added_tokens: [START, END].map(({ spelling, id }) => ({ id, content: spelling })),
    model: { type: "BPE", end_of_word_suffix: "</w>", vocab: ids, merges: pairs, ...model },
  });

let root: string;
let folders = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tokenizer-"));
});
afterAll(() => rm(root, { recursive: true }));

async function read(files: Readonly<Record<string, string>>) {
  const folder = join(root, `${folders++}`);
  for (const [name, content] of Object.entries(files)) {
    await Bun.write(join(folder, name), content);
  }
  return await readClipVocabulary(folder, "sd/tokenizer");
}

test("vocab.json and merges.txt are enough; the special tokens are then CLIP's", async () => {
  const files = { "vocab.json": VOCAB, "merges.txt": MERGES.replaceAll("\n", "\r\n") };
  expect(await read(files)).toEqual(SAMPLE_VOCABULARY);
});

test.each([
  ["strings", merges],
  ["pairs", merges.map((pair) => pair.split(" "))],
])("tokenizer.json with merges as %s gives the same vocabulary", async (_, pairs) => {
  expect(await read({ "tokenizer.json": tokenizerJson(pairs) })).toEqual(SAMPLE_VOCABULARY);
});

test("special_tokens_map.json goes before tokenizer_config.json, which states the length", async () => {
  const config = { ...specialTokens(END.spelling), model_max_length: 64 };
  const vocabulary = await read({
    "vocab.json": VOCAB,
    "merges.txt": MERGES,
    "special_tokens_map.json": JSON.stringify(specialTokens(ZERO.spelling)),
    "tokenizer_config.json": JSON.stringify(config),
  });
  expect(vocabulary).toEqual({ ...SAMPLE_VOCABULARY, pad: ZERO, length: 64 });
});

test("a length that stands for none is 77", async () => {
  const config = `{"model_max_length": 1000000000000000019884624838656}`;
  const files = { "vocab.json": VOCAB, "merges.txt": MERGES, "tokenizer_config.json": config };
  expect((await read(files)).length).toBe(77);
});

test.each([
  ["no files", { "readme.txt": "" }, "has neither vocab.json and merges.txt nor tokenizer.json"],
  ["broken JSON", { "vocab.json": "{", "merges.txt": "" }, "vocab.json that is not valid JSON"],
  ["ids that are no integers", { "vocab.json": `{"a": "b"}`, "merges.txt": "" }, "/a Expected"],
  [
    "a tokenizer of another kind",
    { "tokenizer.json": tokenizerJson([], { type: "Unigram" }) },
    "tokenizer.json that is not of a CLIP tokenizer: /model/type Expected 'BPE'",
  ],
  [
    "a special token without an id",
    {
      "vocab.json": VOCAB,
      "merges.txt": MERGES,
      "special_tokens_map.json": JSON.stringify(specialTokens("<pad>")),
    },
    `names "<pad>" as its pad_token, which has no id`,
  ],
])("%s: an error says what is wrong with sd/tokenizer", async (_, files, message) => {
  const error = await read(files).catch((thrown) => thrown);
  expect(error).toMatchObject({ kind: "model_failed" });
  expect(error.message).toStartWith("sd/tokenizer ");
  expect(error.message).toContain(message);
});

test("a folder that is absent is named", async () => {
  await expect(readClipVocabulary(join(root, "absent"), "sd/tokenizer")).rejects.toThrow(
    "sd/tokenizer is missing",
  );
});
