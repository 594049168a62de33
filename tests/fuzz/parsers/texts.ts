/** Fuzzes prompts in every language that models read: they become tokens, weights and controls in bounded time. */
import fc from "fast-check";
import { ClipTokenizer } from "../../../src/engine/diffusion/text/clip-tokenizer.ts";
import { chunkPrompt, plainChunk } from "../../../src/engine/diffusion/text/prompt-chunks.ts";
import { mixPrompts } from "../../../src/engine/diffusion/text/prompt-mixture.ts";
import { parsePromptWeights } from "../../../src/engine/diffusion/text/prompt-weights.ts";
import { encodePrompts } from "../../../src/engine/prompts/lexicon.ts";
import type { Prompt } from "../../../src/engine/protocol/work.ts";
import { SAMPLE_VOCABULARY } from "../../support/sample-vocabulary.ts";
import { defineTarget } from "../fuzz.ts";
import { mutatedTexts } from "../mutated-bytes.ts";

const CORPUS = [
  "a (red:1.4) fox in the snow, ((masterpiece)), \\(literal\\), embedding:name",
  "no clouds, without fog; a lake at dawn 🦊 <|endoftext|> <|startoftext|>",
  "Café naïve ﬁ ǅ İ ß e\u0301\u0301\u0301 漢字 ひらがな \u200d\u202e",
  "((((((((x:1e30):2):-3):NaN):Infinity):0x10):1_0)",
  "mountains AND (sea:0.5) [from:to:0.3] {a|b} <lora:x:1>",
];
const PIECES = [
  "(",
  ")",
  ":",
  "1.5",
  "\\",
  "a",
  " ",
  "((((",
  "))))",
  "\u0301",
  "🦊",
  "\ud800",
  "<|endoftext|>",
];

export const promptTexts = defineTarget<readonly Prompt[]>({
  name: "prompts",
  inputs: "prompts of any text, nesting and weight, up to very long ones",
  found: [],
  limitMs: 2000,
  open: () => {
    const tokenizer = new ClipTokenizer(SAMPLE_VOCABULARY);
    const text = fc.oneof(
      { weight: 4, arbitrary: mutatedTexts(CORPUS) },
      {
        weight: 3,
        arbitrary: fc
          .array(fc.constantFrom(...PIECES), { maxLength: 200 })
          .map((all) => all.join("")),
      },
      { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 300 }) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom(...PIECES, ...CORPUS), fc.integer({ min: 1, max: 1500 }))
          .map(([piece, times]) => piece.repeat(times).slice(0, 20_000)),
      },
    );
    const prompt = fc.record(
      {
        prompt: text,
        negative_prompt: text,
        weight: fc.double({ noNaN: true, noDefaultInfinity: true }),
      },
      { requiredKeys: ["prompt"] },
    );
    return {
      inputs: fc.array(prompt, { maxLength: 3 }),
      check: (prompts) => {
        checkControls(prompts);
        checkShares(prompts);
        for (const { prompt: its } of prompts) checkText(its, tokenizer);
      },
    };
  },
});

function checkControls(prompts: readonly Prompt[]): void {
  if (!encodePrompts(prompts).every(Number.isFinite)) throw new Error("a control is no number");
}

function checkShares(prompts: readonly Prompt[]): void {
  const { positive, negative } = mixPrompts(prompts);
  for (const side of [positive, negative]) {
    const sum = side.reduce((total, { share }) => total + Math.abs(share), 0);
    if (!(sum <= 1.000001)) throw new Error("shares of more than the whole");
  }
}

function checkText(text: string, tokenizer: ClipTokenizer): void {
  const segments = parsePromptWeights(text);
  const kept = segments.reduce((sum, segment) => sum + segment.text.length, 0);
  if (kept > text.length) throw new Error("segments are longer than the text");
  for (const chunk of [...chunkPrompt(tokenizer, text), plainChunk(tokenizer, text)]) {
    if (chunk.ids.length !== tokenizer.length) throw new Error("a chunk of another length");
    if (chunk.ids[0] !== tokenizer.start || !chunk.ids.includes(tokenizer.end))
      throw new Error("a chunk without its start or its end");
  }
}
