/** The contents of the form: the stream to start, or the wanted state of the one on screen. */

export type Source = "none" | "camera" | "channel";

export interface Draft {
  readonly source: Source;
  /** Trickle channel to read from; used if the source is `channel`. */
  readonly inputUrl: string;
  readonly prompt: string;
  /** Empty until the models have been loaded. */
  readonly model: string;
  /** The model's parameters that the user has set. */
  readonly values: Readonly<Record<string, number>>;
  readonly size: string;
}

export const SIZES = ["512 × 512", "256 × 256", "384 × 384", "768 × 768", "640 × 360"] as const;
/** The server's limit on a prompt, in characters. */
export const MAX_PROMPT = 10_000;
export const FIRST_PROMPT = "a beautiful landscape at sunrise";
export const FIRST_DRAFT: Draft = {
  source: "none",
  inputUrl: "",
  prompt: "",
  model: "",
  values: {},
  size: SIZES[0],
};

/** The draft's size in pixels. */
export function sizeOf({ size }: Draft): { width: number; height: number } {
  const [width = 512, height = 512] = size.split(" × ").map(Number);
  return { width, height };
}
