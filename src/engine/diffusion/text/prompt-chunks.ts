/** Cuts a prompt into the encoder runs that ComfyUI makes of it: chunks of token ids with a weight each. */
import type { ClipTokenizer } from "./clip-tokenizer.ts";
import { parsePromptWeights } from "./prompt-weights.ts";

/** One run of the text encoder. Both arrays have the tokenizer's `length` (77). */
export interface PromptChunk {
  readonly ids: Int32Array<ArrayBuffer>;
  /** 1 for the start token, the end token and padding. */
  readonly weights: Float64Array;
}

/** A segment of at least this many tokens may continue in the next chunk. */
const SPLITTABLE_TOKENS = 8;

/**
 * The chunks of a prompt, equal to those of ComfyUI 0.3.64: at least one, each with start token, up to 75 tokens, end
 * token and padding. A shorter segment (a stretch of text with one weight) that does not fit moves to the next chunk
 * as a whole. Textual inversions (`embedding:name`) are not supported: their names are left out, as ComfyUI leaves out
 * those that it does not find.
 *
 * ```ts
 * const chunks = chunkPrompt(tokenizer, "a (red:1.4) fox");
 * const [{ ids, weights }] = chunks; // 49406, 320, 736, 3240, 49407, … and 1, 1, 1.4, 1, 1, …
 * ```
 */
export function chunkPrompt(tokenizer: ClipTokenizer, prompt: string): PromptChunk[] {
  const chunks: PromptChunk[] = [];
  const capacity = tokenizer.length - 1; // the end token takes one place
  let chunk = blankChunk(tokenizer);
  let used = 1;
  const finish = (): void => {
    chunk.ids[used] = tokenizer.end;
    chunks.push(chunk);
    chunk = blankChunk(tokenizer);
    used = 1;
  };
  const add = (tokens: readonly number[], weight: number): void => {
    chunk.ids.set(tokens, used);
    chunk.weights.fill(weight, used, used + tokens.length);
    used += tokens.length;
  };
  for (const { text, weight } of parsePromptWeights(prompt)) {
    for (const words of withoutEmbeddings(text)) {
      const tokens = tokenizer.encode(words);
      let rest = tokens;
      while (used + rest.length > capacity) {
        if (tokens.length >= SPLITTABLE_TOKENS) {
          const fitting = capacity - used;
          add(rest.slice(0, fitting), weight);
          rest = rest.slice(fitting);
        }
        finish();
      }
      add(rest, weight);
    }
  }
  finish();
  return chunks;
}

/** The one chunk that diffusers makes of a prompt: parentheses are text, and what does not fit is left out. */
export const plainChunk = (tokenizer: ClipTokenizer, prompt: string): PromptChunk => ({
  ids: tokenizer.encodeToLength(prompt),
  weights: new Float64Array(tokenizer.length).fill(1),
});

/** The chunk of the empty prompt, whose embeddings weights are measured from: start, end, padding. */
export function emptyPromptChunk(tokenizer: ClipTokenizer): PromptChunk {
  const chunk = blankChunk(tokenizer);
  chunk.ids[1] = tokenizer.end;
  return chunk;
}

/** True where a token's weight differs from 1: then the empty prompt must be encoded, too. */
export const isWeighted = (chunks: readonly PromptChunk[]): boolean =>
  chunks.some(({ weights }) => weights.some((weight) => weight !== 1));

function blankChunk({ length, start, pad }: ClipTokenizer): PromptChunk {
  const chunk = {
    ids: new Int32Array(length).fill(pad),
    weights: new Float64Array(length).fill(1),
  };
  chunk.ids[0] = start;
  return chunk;
}

const EMBEDDING = "embedding:";

/** The texts around `embedding:name`, each a group of tokens of its own. A comma after the name stays text. */
function withoutEmbeddings(text: string): string[] {
  const [first = "", ...others] = text.split(/[ \n]embedding:/);
  const named = others.map(afterName);
  return [first.startsWith(EMBEDDING) ? afterName(first.slice(EMBEDDING.length)) : first, ...named];
}

function afterName(text: string): string {
  const [name = "", ...words] = text.trim().split(/\s+/);
  const bare = name.replace(/^,+|,+$/g, "");
  return [name.slice(bare.length), ...words].join(" ");
}
