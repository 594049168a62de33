/** Compares our tokens and weights with those of transformers and ComfyUI. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ClipTokenizer } from "../../../../../src/engine/diffusion/text/clip-tokenizer.ts";
import { readClipVocabulary } from "../../../../../src/engine/diffusion/text/clip-vocabulary.ts";
import { chunkPrompt } from "../../../../../src/engine/diffusion/text/prompt-chunks.ts";
import { parsePromptWeights } from "../../../../../src/engine/diffusion/text/prompt-weights.ts";
import { readReference } from "../../../../support/reference.ts";
import { vocabularyOf } from "../../../../support/sample-vocabulary.ts";
import { sharedData } from "../../../../support/shared-data.ts";

interface Reference {
  readonly pairs: string;
  readonly tokens: readonly { readonly prompt: string; readonly ids: readonly number[] }[];
  readonly weights: readonly {
    readonly prompt: string;
    readonly segments: readonly (readonly [string, number])[];
    /** Without the padding. */
    readonly batches: readonly (readonly (readonly [id: number, weight: number])[])[];
  }[];
}

const titleOf = (prompt: string): string => JSON.stringify(prompt).slice(0, 60);

const weighedSegments = (prompt: string) =>
  parsePromptWeights(prompt).map(({ text, weight }) => [text, weight]);

const weighedTokens = (tokenizer: ClipTokenizer, prompt: string) =>
  chunkPrompt(tokenizer, prompt).map(({ ids, weights }) =>
    [...ids].map((id, at) => [id, weights[at]]),
  );

describe("in every clone:", () => {
  const { pairs, tokens, weights } = readReference<Reference>("prompts");
  const clip = new ClipTokenizer(vocabularyOf(pairs));
  describe("token ids are transformers':", () => {
    for (const { prompt, ids } of tokens) {
      test(titleOf(prompt), () => {
        expect([clip.start, ...clip.encode(prompt), clip.end]).toEqual([...ids]);
      });
    }
  });
  describe("weights are ComfyUI's:", () => {
    for (const { prompt, segments, batches } of weights) {
      test(titleOf(prompt), () => {
        expect(weighedSegments(prompt)).toEqual(segments.map((segment) => [...segment]));
        const padded = batches.map((batch) =>
          Array.from({ length: clip.length }, (_, at) => [...(batch[at] ?? [clip.pad, 1])]),
        );
        expect(weighedTokens(clip, prompt)).toEqual(padded);
      });
    }
  });
});

const golden = sharedData("golden");
if (golden === null) {
  test.skip("transformers and ComfyUI: shared/data/golden is absent", () => {});
} else {
  const cases = (name: string) => JSON.parse(readFileSync(join(name), "utf8")).cases;
  const join = (name: string): string => `${golden}/${name}`;
  const unzip = (name: string): string =>
    new TextDecoder().decode(Bun.gunzipSync(readFileSync(join(`clip-tokenizer/${name}.gz`))));
  const end = { spelling: "<|endoftext|>", id: 49407 };
  const clip = new ClipTokenizer({
    ids: JSON.parse(unzip("vocab.json")),
    merges: unzip("merges.txt").trimEnd().split("\n").slice(1),
    start: { spelling: "<|startoftext|>", id: 49406 },
    end,
    pad: end,
    length: 77,
  });
  const folder = async (path: string) =>
    new ClipTokenizer(await readClipVocabulary(join(path), path));
  const [tiny, first, second] = await Promise.all([
    folder("pipeline/tiny-sd/tokenizer"),
    folder("pipeline-xl/tiny-xl/tokenizer"),
    folder("pipeline-xl/tiny-xl/tokenizer_2"),
  ]);

  describe("token ids are transformers':", () => {
    for (const { prompt, ids, ids77 } of cases("prompts/token-ids.json")) {
      test(titleOf(prompt), () => {
        expect([clip.start, ...clip.encode(prompt), clip.end]).toEqual(ids);
        expect([...clip.encodeToLength(prompt)]).toEqual(ids77);
      });
    }
  });

  describe("token ids are those of diffusers' pipelines:", () => {
    const tokenized = (name: string): { prompt: string; input_ids: number[] }[] =>
      cases(name).filter(({ prompt }: { prompt?: string }) => prompt !== undefined);
    for (const { prompt, input_ids } of tokenized("pipeline/modules.json")) {
      test(`tiny-sd ${JSON.stringify(prompt)}`, () => {
        expect([...tiny.encodeToLength(prompt)]).toEqual(input_ids);
      });
    }
    for (const { prompt, ...ids } of tokenized("pipeline-xl/modules.json")) {
      test(`tiny-xl ${JSON.stringify(prompt).slice(0, 60)}`, () => {
        const own = { input_ids: first, input_ids_2: second };
        for (const [name, tokenizer] of Object.entries(own)) {
          expect([...tokenizer.encodeToLength(prompt)]).toEqual(Reflect.get(ids, name));
        }
      });
    }
  });

  describe("weights are ComfyUI's:", () => {
    for (const { prompt, segments, batches } of cases("prompts/token-weights.json")) {
      test(titleOf(prompt), () => {
        expect(weighedSegments(prompt)).toEqual(segments);
        expect(weighedTokens(clip, prompt)).toEqual(batches);
      });
    }
  });
}
