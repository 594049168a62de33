/** Turns text into CLIP token ids, equal to those of Hugging Face's tokenizers and so of diffusers and ComfyUI. */
import { Tokenizer } from "@huggingface/tokenizers";
import type { ClipVocabulary } from "./clip-vocabulary.ts";

/**
 * The tokenizer of one CLIP text encoder. Caches the tokens of up to 10,000 words. A text of 10,000
 * characters takes some milliseconds; the time grows in proportion to the length.
 *
 * ```ts
 * const tokenizer = new ClipTokenizer(await readClipVocabulary(`${folder}/tokenizer`, "tokenizer"));
 * tokenizer.encode("a photo of a cat"); // [320, 1125, 539, 320, 2368]
 * ```
 */
export class ClipTokenizer {
  /** Ids of the tokens before and after a text, and of the token that fills the rest of an encoder run. */
  readonly start: number;
  readonly end: number;
  readonly pad: number;
  /** Tokens of one encoder run, start and end included. */
  readonly length: number;
  readonly #words: Tokenizer;
  /** Splits a text at the spellings of start and end token, which become its odd parts. */
  readonly #specials: RegExp;
  readonly #specialIds: ReadonlyMap<string, number>;

  constructor({ ids, merges, start, end, pad, length }: ClipVocabulary) {
    this.start = start.id;
    this.end = end.id;
    this.pad = pad.id;
    this.length = length;
    this.#words = new Tokenizer(configuration(ids, merges, end.spelling), {});
    this.#specialIds = new Map([start, end].map(({ spelling, id }) => [spelling, id]));
    this.#specials = new RegExp(`(${[...this.#specialIds.keys()].map(RegExp.escape).join("|")})`);
  }

  /**
   * The tokens of a text of any length, without a start and an end token around it. Where the text itself contains
   * `<|startoftext|>` or `<|endoftext|>`, the result contains that token.
   */
  encode(text: string): number[] {
    return text.split(this.#specials).flatMap((part, index) => {
      const special = index % 2 === 1 ? this.#specialIds.get(part) : undefined;
      if (special !== undefined) return special;
      return this.#words.encode(canonical(part), { add_special_tokens: false }).ids;
    });
  }

  /** Token ids as diffusers' pipelines feed them: start, as much of the text as fits, end, padding. Shape [length]. */
  encodeToLength(text: string): Int32Array<ArrayBuffer> {
    const ids = new Int32Array(this.length).fill(this.pad);
    const fitting = this.encode(text).slice(0, this.length - 2);
    ids.set([this.start, ...fitting, this.end]);
    return ids;
  }
}

/** What CLIP takes for a word: a contraction, letters, one digit, or other characters but white space. */
const WORDS = "'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\p{White_Space}\\p{L}\\p{N}]+";

const WORD = new RegExp(WORDS, "gu");

/** Tokens of one run of CLIP's encoders, start and end included. */
export const USUAL_LENGTH = 77;

/** How many tokens a text has at least: one for each of its words. Needs no vocabulary. */
export const leastTokens = (text: string): number => text.toLowerCase().match(WORD)?.length ?? 0;

/** CLIP's byte-pair encoding in the form of a `tokenizer.json`. Special tokens are found before it, see `encode`. */
const configuration = (vocab: object, merges: readonly string[], unknown: string) => ({
  added_tokens: [],
  normalizer: { type: "Lowercase" },
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: WORDS }, behavior: "Removed", invert: true },
      { type: "ByteLevel", add_prefix_space: false, use_regex: false },
    ],
  },
  model: { type: "BPE", vocab, merges, unk_token: unknown, end_of_word_suffix: "</w>" },
  post_processor: null,
  decoder: null,
});

/**
 * Composes accents, and lower-cases sigmas: JavaScript has another lower-case sigma for the end of a word, Hugging
 * Face's tokenizers have not.
 */
const canonical = (text: string): string =>
  text
    .split(MANY_MARKS)
    .map((part, index) => (index % 2 === 0 ? part.normalize("NFC") : part))
    .join("")
    .replaceAll("Σ", "σ");

/** More marks than any script puts on a letter. Normalisation sorts them, in time that grows with their square. */
const MANY_MARKS = /(\p{M}{31,})/u;
