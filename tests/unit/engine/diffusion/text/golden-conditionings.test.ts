/** Compares our arithmetic on conditionings with what ComfyUI and diffusers gave, as far as no encoder must run. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { layerNorm } from "../../../../../src/engine/diffusion/text/clip-skip.ts";
import { ClipTokenizer } from "../../../../../src/engine/diffusion/text/clip-tokenizer.ts";
import { readClipVocabulary } from "../../../../../src/engine/diffusion/text/clip-vocabulary.ts";
import {
  averaged,
  type Conditioning,
  concatTokens,
  joinEncoders,
  zeroed,
} from "../../../../../src/engine/diffusion/text/conditioning.ts";
import { chunkPrompt } from "../../../../../src/engine/diffusion/text/prompt-chunks.ts";
import { weighTokens } from "../../../../../src/engine/diffusion/text/weigh-tokens.ts";
import { sharedData } from "../../../../support/shared-data.ts";

interface Case {
  readonly id: string;
  readonly graph: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
  readonly arrays: Readonly<Record<string, { readonly offset: number; readonly shape: number[] }>>;
}

const TOLERANCE = 1e-4;

/** The largest difference of two arrays of one length. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce(
    (worst, value, at) => Math.max(worst, Math.abs(value - (b[at] ?? 0))),
    0,
  );
}

function openGolden(path: string) {
  const { cases }: { cases: Case[] } = JSON.parse(readFileSync(`${path}.json`, "utf8"));
  const data = new Float32Array(new Uint8Array(readFileSync(`${path}.f32`)).buffer);
  const byId = (id: string): Case => {
    const found = cases.find((one) => one.id === id);
    if (found === undefined) throw new Error(`golden has no ${id}`);
    return found;
  };
  const array = (id: string, name: string) => {
    const stored = byId(id).arrays[name];
    if (stored === undefined) throw new Error(`golden's ${id} has no ${name}`);
    const { offset, shape } = stored;
    return { shape, values: data.slice(offset, offset + shape.reduce((a, b) => a * b, 1)) };
  };
  const ids = cases.map(({ id }) => id);
  return {
    ids,
    byId,
    array,
    has: (wanted: readonly string[]) => wanted.every((id) => ids.includes(id)),
  };
}

const golden = sharedData("golden");
if (golden === null) {
  test.skip("conditionings: shared/data/golden is absent", () => {});
} else {
  const runs = openGolden(`${golden}/comfy-tiny/runs`);
  const conditioning = (id: string, node: "positive" | "conditioning"): Conditioning => {
    const { shape, values } = runs.array(id, `${node}.cond.0`);
    const [, tokens = 0, width = 0] = shape;
    return { embeddings: values, tokens, width, pooled: runs.array(id, `${node}.pooled.0`).values };
  };
  const expectEqual = (own: Conditioning, theirs: Conditioning): void => {
    expect([own.tokens, own.width]).toEqual([theirs.tokens, theirs.width]);
    expect(difference(own.embeddings, theirs.embeddings)).toBeLessThan(TOLERANCE);
    expect(difference(own.pooled ?? [], theirs.pooled ?? [])).toBeLessThan(TOLERANCE);
  };

  /** Groups of tests that explain cases by one another; all cases are run in graph-run.test.ts. */
  const explained = (name: string, cases: readonly string[], tests: () => void | Promise<void>) => {
    if (runs.has(cases)) describe(name, tests);
    else test.skip(`${name} the data lacks some of ${cases.join(", ")}`, () => {});
  };
  const NODES = [
    ...["default-txt2img", "cond-average-0.0", "cond-average-0.7", "cond-average-1.0"],
    ...["cond-average-longer-from", "cond-average-longer-to", "cond-concat", "cond-concat-long"],
    "cond-zeroout-negative",
  ];

  explained("ComfyUI's nodes:", NODES, () => {
    const fox = conditioning("default-txt2img", "positive");
    // With strength 0 an average is its second conditioning, and a concatenation ends in it.
    const house = conditioning("cond-average-0.0", "conditioning");
    const both = conditioning("cond-concat-long", "conditioning");
    const sea: Conditioning = {
      ...conditioning("cond-average-longer-to", "conditioning"),
      embeddings: both.embeddings.slice(fox.embeddings.length),
      tokens: both.tokens - fox.tokens,
    };

    test.each([0, 0.7, 1])("ConditioningAverage %p", (strength) => {
      const id = `cond-average-${strength.toFixed(1)}`;
      expectEqual(averaged(fox, house, strength), conditioning(id, "conditioning"));
    });

    test("ConditioningAverage of a longer one and a shorter one, in both orders", () => {
      const shorter = conditioning("cond-average-longer-from", "conditioning");
      const longer = conditioning("cond-average-longer-to", "conditioning");
      // What the sea's pooled vector was is known from one of them, and must explain the other.
      const pooled = longer.pooled?.map((value, at) => 2 * value - (fox.pooled?.[at] ?? 0)) ?? null;
      expectEqual(averaged(fox, { ...sea, pooled }, 0.5), shorter);
      expectEqual(averaged({ ...sea, pooled }, fox, 0.5), longer);
    });

    test("ConditioningConcat", () => {
      expectEqual(concatTokens(fox, house), conditioning("cond-concat", "conditioning"));
      expectEqual(concatTokens(fox, sea), both);
    });

    test("ConditioningZeroOut", () => {
      expectEqual(zeroed(fox), conditioning("cond-zeroout-negative", "conditioning"));
    });
  });

  /** The tiny encoder's final norm has scale 1 and shift 0. */
  const norm = (width: number) => ({
    scale: new Float32Array(width).fill(1),
    shift: new Float32Array(width),
    epsilon: 1e-5,
  });

  const WEIGHTED = ["prompt-weights", "prompt-negative-weight", "prompt-long-weights"];
  explained("prompt weights:", ["prompt-empty", "prompt-zero-weight", ...WEIGHTED], async () => {
    const folder = `${golden}/pipeline/tiny-sd/tokenizer`;
    const tokenizer = new ClipTokenizer(await readClipVocabulary(folder, "tokenizer"));
    const empty = conditioning("prompt-empty", "positive").embeddings;
    const chunksOf = (id: string) =>
      chunkPrompt(tokenizer, String(runs.byId(id).graph["6"]?.inputs["text"]));

    // What the encoder gave went through its norm, so each token's vector has mean 0 and variance 1. With weights it
    // has not, and only the right weight at the right token leads back.
    test.each(WEIGHTED)("%s: each token was weighed with its own weight", (id) => {
      const chunks = chunksOf(id);
      const inverse = chunks.map(({ ids, weights }) => ({
        ids,
        weights: weights.map((w) => 1 / w),
      }));
      const { embeddings: hidden, width, tokens } = conditioning(id, "positive");
      expect(tokens).toBe(chunks.length * tokenizer.length);
      const plain = weighTokens({ hidden, width, pooled: null }, inverse, empty).embeddings;
      const normalised = plain.slice();
      layerNorm(normalised, norm(width));
      expect(difference(plain, normalised)).toBeLessThan(TOLERANCE);
    });

    test("prompts that differ in a weight alone differ in that token alone", () => {
      const { embeddings, width } = conditioning("prompt-negative-weight", "positive");
      const [{ ids, weights } = { ids: new Int32Array(), weights: new Float64Array() }] =
        chunksOf("prompt-negative-weight");
      const toZero = weights.map((weight) => (weight === 1 ? 1 : 0));
      const encoded = { hidden: embeddings, width, pooled: null };
      const zero = weighTokens(encoded, [{ ids, weights: toZero }], empty);
      const theirs = conditioning("prompt-zero-weight", "positive");
      expect(difference(zero.embeddings, theirs.embeddings)).toBeLessThan(TOLERANCE);
    });
  });

  const modules = openGolden(`${golden}/pipeline/modules`);
  const isThere = modules.has(["text-a photo of a cat"]) && runs.has(["lastlayer-2"]);
  test.skipIf(!isThere)("CLIPSetLastLayer -2 is the last layer but one with the final norm", () => {
    // Attention looks back alone: both prompts begin with the same five tokens, so their vectors are equal.
    const { shape, values } = modules.array("text-a photo of a cat", "hidden_states.1");
    const prefix = 5 * (shape[2] ?? 0);
    const hidden = values.slice(0, prefix);
    layerNorm(hidden, norm(shape[2] ?? 0));
    const theirs = conditioning("lastlayer-2", "positive").embeddings;
    expect(difference(hidden, theirs.subarray(0, prefix))).toBeLessThan(TOLERANCE);
  });

  describe("SDXL's encoders side by side:", () => {
    const modules = openGolden(`${golden}/pipeline-xl/modules`);
    const ids = modules.ids.filter((id) => id.startsWith("text-"));
    test.each(ids)("%s", (id) => {
      const encoder = (name: string): Conditioning => {
        const { shape, values } = modules.array(id, name);
        const [, tokens = 0, width = 0] = shape;
        return { embeddings: values, tokens, width, pooled: null };
      };
      const pooled = modules.array(id, "text_embeds").values;
      const own = joinEncoders(encoder("hidden_1"), { ...encoder("hidden_2"), pooled });
      expectEqual(own, { ...encoder("prompt_embeds"), pooled });
    });
  });
}
