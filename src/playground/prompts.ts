/** The prompts of the form: texts with weights and a negative prompt, and the list that the API takes for them. */
import type { Stream } from "./api.ts";

/** One text and how much it counts among the others; below 0 the picture moves away from it. */
export interface WeightedText {
  readonly text: string;
  readonly weight: number;
}

export interface Prompts {
  /** At least one. */
  readonly texts: readonly WeightedText[];
  /** What the picture must not show; may be empty. */
  readonly negative: string;
}

/** A prompt as requests and stream objects have it. */
export interface ApiPrompt {
  readonly prompt: string;
  readonly negative_prompt?: string;
  readonly weight?: number;
}

/** The server's limits: characters of a text, and texts. */
export const MAX_PROMPT = 10_000;
export const MAX_PROMPTS = 64;

export const NO_PROMPTS: Prompts = promptsOf("");

/** One text with the weight 1. */
export function promptsOf(text: string): Prompts {
  return { texts: [{ text, weight: 1 }], negative: "" };
}

/**
 * The list for a request; empty texts are left out. Every text that counts positively carries the negative prompt, so
 * that it applies in full whatever their weights are.
 */
export function apiPrompts({ texts, negative }: Prompts): ApiPrompt[] {
  const unwanted = negative.trim();
  return texts.flatMap(({ text, weight }) => {
    const prompt = text.trim();
    if (prompt === "") return [];
    return [
      {
        prompt,
        ...(unwanted !== "" && weight > 0 && { negative_prompt: unwanted }),
        ...(weight !== 1 && { weight }),
      },
    ];
  });
}

/** The prompts of a stream; those that have different negative prompts get all of them. Graphs are no prompts. */
export function promptsIn({ prompts = [] }: Stream["metadata"]): Prompts {
  const texts = prompts.filter(isText);
  const negatives = texts.map(({ negative_prompt = "" }) => negative_prompt.trim());
  const [first, ...others] = texts.map(({ prompt, weight = 1 }) => ({ text: prompt, weight }));
  if (first === undefined) return NO_PROMPTS;
  return {
    texts: [first, ...others],
    negative: [...new Set(negatives.filter(Boolean))].join(", "),
  };
}

export const isText = (prompt: object): prompt is ApiPrompt =>
  "prompt" in prompt && typeof prompt.prompt === "string";

/** True if there is no text. */
export const areEmpty = (prompts: Prompts): boolean => apiPrompts(prompts).length === 0;

export const withPatch = (
  prompts: Prompts,
  index: number,
  patch: Partial<WeightedText>,
): Prompts => ({
  ...prompts,
  texts: prompts.texts.map((one, at) => (at === index ? { ...one, ...patch } : one)),
});

export const withAnother = (prompts: Prompts): Prompts => ({
  ...prompts,
  texts: [...prompts.texts, { text: "", weight: 1 }],
});

/** Removes a text. A text that remains alone gets the weight 1. */
export function without(prompts: Prompts, index: number): Prompts {
  const [only, ...others] = prompts.texts.filter((_, at) => at !== index);
  if (only === undefined) return { ...prompts, texts: NO_PROMPTS.texts };
  return { ...prompts, texts: others.length === 0 ? [{ ...only, weight: 1 }] : [only, ...others] };
}
