/** What the form says: what a start would ask for, or what the stream on screen is asked to be. */

export type Source = "none" | "camera" | "channel";

export interface Draft {
  readonly source: Source;
  /** Trickle channel to read from; counts where the source is `channel`. */
  readonly inputUrl: string;
  readonly prompt: string;
  /** Empty until the models are known. */
  readonly model: string;
  /** Sliders that were moved. */
  readonly values: Readonly<Record<string, number>>;
  readonly size: string;
}

export const SIZES = ["512 × 512", "256 × 256", "384 × 384", "768 × 768", "640 × 360"] as const;
/** Characters of a prompt that the server takes. */
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
