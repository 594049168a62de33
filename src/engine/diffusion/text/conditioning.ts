/** What a text encoder gives a denoiser, and the ways in which ComfyUI's nodes join conditionings. */
import { WorkerError } from "../../../errors.ts";

/** The embeddings of a prompt. Shared between frames and streams: never written to. */
export interface Conditioning {
  /** Row-major [tokens, width]; a multiple of 77 tokens, width 768 in SD 1.x, 1024 in SD 2.x, 2048 in SDXL. */
  readonly embeddings: Float32Array<ArrayBuffer>;
  readonly tokens: number;
  readonly width: number;
  /** One vector for the whole prompt: the pooled output, or SDXL's `text_embeds`; null where the encoder has none. */
  readonly pooled: Float32Array<ArrayBuffer> | null;
}

/** Appends the tokens of one prompt to those of another and keeps the first pooled vector (ConditioningConcat). */
export function concatTokens(first: Conditioning, second: Conditioning): Conditioning {
  assertSameWidth(first, second);
  const embeddings = new Float32Array(first.embeddings.length + second.embeddings.length);
  embeddings.set(first.embeddings);
  embeddings.set(second.embeddings, first.embeddings.length);
  return { ...first, embeddings, tokens: first.tokens + second.tokens };
}

/**
 * Sets the embeddings of two encoders side by side, as SDXL does: width is the sum of both, the pooled vector is the
 * second encoder's. Surplus tokens of the longer one are dropped.
 */
export function joinEncoders(first: Conditioning, second: Conditioning): Conditioning {
  const tokens = Math.min(first.tokens, second.tokens);
  const width = first.width + second.width;
  const embeddings = new Float32Array(tokens * width);
  for (let token = 0; token < tokens; token++) {
    embeddings.set(row(first, token), token * width);
    embeddings.set(row(second, token), token * width + first.width);
  }
  return { embeddings, tokens, width, pooled: second.pooled };
}

/** Zeros of the same shape (ConditioningZeroOut; the negative prompt of SDXL's pipelines where none is given). */
export const zeroed = ({ embeddings, pooled, ...shape }: Conditioning): Conditioning => ({
  ...shape,
  embeddings: new Float32Array(embeddings.length),
  pooled: pooled && new Float32Array(pooled.length),
});

/**
 * `to · strength + from · (1 − strength)` (ConditioningAverage). The result has the tokens of `to`: a longer `from` is
 * cut, a shorter one continues with zeros. Where only one has a pooled vector, it is taken as it is.
 */
export function averaged(to: Conditioning, from: Conditioning, strength: number): Conditioning {
  assertSameWidth(to, from);
  const average = (values: Float32Array, others: Float32Array): Float32Array<ArrayBuffer> =>
    Float32Array.from(values, (v, at) => v * strength + (others[at] ?? 0) * (1 - strength));
  return {
    ...to,
    embeddings: average(to.embeddings, from.embeddings),
    pooled: to.pooled && from.pooled ? average(to.pooled, from.pooled) : (to.pooled ?? from.pooled),
  };
}

/**
 * The conditioning with at least `tokens` tokens: the missing ones are those of the empty prompt, as if the text went
 * on and said nothing.
 */
export function padded(one: Conditioning, tokens: number, empty: Conditioning): Conditioning {
  let result = one;
  while (result.tokens < tokens) result = { ...concatTokens(result, empty), pooled: one.pooled };
  return result;
}

const row = ({ embeddings, width }: Conditioning, token: number): Float32Array =>
  embeddings.subarray(token * width, (token + 1) * width);

/** Throws `invalid_request` for conditionings of different text encoders. */
export function assertSameWidth(a: Conditioning, b: Conditioning): void {
  if (a.width === b.width) return;
  const problem = `conditionings of ${a.width} and ${b.width} numbers a token cannot be combined`;
  throw new WorkerError("invalid_request", `${problem}: encode both prompts with the same model`);
}
