/** Bounds what a CONDITIONING holds: nodes that join prompts can double it many times over. */
import { WorkerError } from "../../../errors.ts";
import type { ConditioningPart } from "./values.ts";

/** Prompts that count side by side: each takes an evaluation of the network in every step. */
const MAX_PARTS = 64;
/** Of all prompts together: 212 chunks of 77, a fifth of a gigabyte with the embeddings of SDXL. */
const MAX_TOKENS = 2 ** 14;

/** Call before they are joined. Throws `invalid_request` for more than a sampler can be given. */
export function checkPrompts({
  parts,
  tokens,
}: {
  readonly parts: number;
  readonly tokens: number;
}): void {
  const over =
    parts > MAX_PARTS
      ? `${parts} prompts; at most ${MAX_PARTS}`
      : `${tokens} tokens; at most ${MAX_TOKENS}`;
  if (parts <= MAX_PARTS && tokens <= MAX_TOKENS) return;
  throw new WorkerError("invalid_request", `would give ${over} are allowed: join fewer prompts`);
}

export const tokensOf = (parts: readonly ConditioningPart[]): number =>
  parts.reduce((sum, { conditioning }) => sum + conditioning.tokens, 0);
