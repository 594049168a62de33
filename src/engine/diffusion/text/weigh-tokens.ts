/** Applies prompt weights to token embeddings, as ComfyUI's CLIPTextEncode does. */
import { WorkerError } from "../../../errors.ts";
import type { Conditioning } from "./conditioning.ts";
import type { PromptChunk } from "./prompt-chunks.ts";
import { weightProblem } from "./prompt-weights.ts";

/** What the text encoder gave for the chunks of one prompt, row-major. */
export interface EncodedChunks {
  /** [chunks, length, width]: the hidden states of the chosen layer. */
  readonly hidden: Float32Array<ArrayBuffer>;
  readonly width: number;
  /** [chunks, pooled width]; null where the encoder has no pooled output. */
  readonly pooled: Float32Array<ArrayBuffer> | null;
}

/**
 * The conditioning of a prompt: each token's vector becomes `(z − e)·w + e`, where `e` is the vector at the same
 * position of the empty prompt; the chunks follow one another along the token axis; the pooled vector is that of the
 * first chunk and has no weights. A weight above 1 moves a token away from saying nothing, one below 1 towards it, a
 * negative one past it.
 *
 * @param encoded overwritten: the conditioning takes over its memory
 * @param empty the hidden states of the empty prompt's chunk, [length, width]; needed where `isWeighted(chunks)`.
 *   ComfyUI encodes it in the same batch; encoded alone it has the same values, so it can be cached.
 * Throws `invalid_request` for weights that are not finite, and `RangeError` for arrays that do not fit together.
 */
export function weighTokens(
  { hidden, width, pooled }: EncodedChunks,
  chunks: readonly PromptChunk[],
  empty: Float32Array | null,
): Conditioning {
  const tokens = chunks.reduce((sum, { ids }) => sum + ids.length, 0);
  if (hidden.length !== tokens * width) {
    throw new RangeError(`${hidden.length} hidden values for ${tokens} tokens of width ${width}`);
  }
  let start = 0;
  for (const { weights } of chunks) {
    for (const [position, weight] of weights.entries()) {
      if (weight !== 1) {
        const offset = position * width;
        const neutral = empty?.subarray(offset, offset + width);
        weighVector(hidden.subarray(start, start + width), weight, neutral);
      }
      start += width;
    }
  }
  const firstPooled = pooled?.slice(0, pooled.length / chunks.length) ?? null;
  return { embeddings: hidden, tokens, width, pooled: firstPooled };
}

function weighVector(
  vector: Float32Array,
  weight: number,
  neutral: Float32Array | undefined,
): void {
  const problem = weightProblem(weight);
  if (problem !== null) {
    throw new WorkerError("invalid_request", `a text of the prompt has ${problem}`);
  }
  if (neutral?.length !== vector.length) {
    throw new RangeError("a weighted prompt needs the embeddings of the empty prompt");
  }
  for (let at = 0; at < vector.length; at++) {
    const e = neutral[at] as number;
    vector[at] = ((vector[at] as number) - e) * weight + e;
  }
}
