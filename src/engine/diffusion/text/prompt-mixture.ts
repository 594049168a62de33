/** Makes one positive and one negative conditioning of a stream's list of weighted prompts. */
import type { Prompt } from "../../protocol/work.ts";
import { assertSameWidth, type Conditioning, padded } from "./conditioning.ts";

/** A text and how much of it goes into a mixture. */
export interface TextShare {
  readonly text: string;
  /** Not 0; the sizes of all shares of a mixture sum up to at most 1. */
  readonly share: number;
}

/** The texts to be encoded. An empty list stands for the empty prompt. */
export interface PromptMixture {
  readonly positive: readonly TextShare[];
  readonly negative: readonly TextShare[];
}

/** An encoded text and how much of it goes into a mixture. */
export interface ConditioningShare {
  readonly conditioning: Conditioning;
  readonly share: number;
}

/**
 * Shares the prompts out by weight (default 1), by the rule of the product's other prompt encoder: up to a sum of 1
 * the mixture lies that far from the empty prompt, beyond it the prompts share it. So one prompt of weight 1 or more
 * counts in full, weights 1 and 3 give a quarter and three quarters, and a weight of 0.5 alone gives half of what the
 * prompt says. A negative weight moves away from what its text says; a weight of 0 leaves the prompt out.
 *
 * Negative prompts are shared out in the same way among the prompts of positive weight that have one: a prompt
 * without a negative prompt does not weaken those of the others.
 */
export function mixPrompts(prompts: readonly Prompt[]): PromptMixture {
  const weighted = prompts.map(({ weight = 1, prompt, negative_prompt = "" }) => ({
    weight,
    prompt,
    negative: negative_prompt,
  }));
  return {
    positive: shareOut(weighted.map(({ prompt, weight }) => ({ text: prompt, weight }))),
    negative: shareOut(
      weighted
        .filter(({ weight, negative }) => weight > 0 && negative.trim() !== "")
        .map(({ negative, weight }) => ({ text: negative, weight })),
    ),
  };
}

function shareOut(texts: readonly { readonly text: string; readonly weight: number }[]) {
  const sum = texts.reduce((total, { weight }) => total + Math.abs(weight), 0);
  return texts
    .filter(({ weight }) => weight !== 0)
    .map(({ text, weight }) => ({ text, share: weight / Math.max(1, sum) }));
}

/**
 * The mixture `e + Σ share·(c − e)`, where `e` is the empty prompt: for positive shares with a sum of 1 the average of
 * the conditionings. Shorter ones are padded with the empty prompt up to the longest. Pooled vectors are mixed alike.
 * Returns a conditioning that counts in full as it is, without a copy.
 *
 * @param empty the conditioning of the empty prompt, one chunk
 */
export function mixConditionings(
  parts: readonly ConditioningShare[],
  empty: Conditioning,
): Conditioning {
  const [first] = parts;
  if (first === undefined) return empty;
  if (parts.length === 1 && first.share === 1) return first.conditioning;
  const tokens = Math.max(...parts.map(({ conditioning }) => conditioning.tokens));
  const rest = 1 - parts.reduce((sum, { share }) => sum + share, 0);
  const all = [...parts, { conditioning: empty, share: rest }].map(({ conditioning, share }) => {
    assertSameWidth(conditioning, empty);
    return { share, ...padded(conditioning, tokens, empty) };
  });
  const pooled = all.flatMap(({ share, pooled }) => (pooled ? [{ share, values: pooled }] : []));
  return {
    embeddings: weightedSum(all.map(({ share, embeddings }) => ({ share, values: embeddings }))),
    tokens,
    width: empty.width,
    pooled: pooled.length === all.length ? weightedSum(pooled) : null,
  };
}

function weightedSum(
  parts: readonly { readonly share: number; readonly values: Float32Array }[],
): Float32Array<ArrayBuffer> {
  const sum = new Float32Array(parts[0]?.values.length ?? 0);
  for (const { share, values } of parts) {
    if (share === 0) continue;
    for (let at = 0; at < sum.length; at++) {
      sum[at] = (sum[at] as number) + (values[at] as number) * share;
    }
  }
  return sum;
}
