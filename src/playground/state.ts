/** What the page knows and shows, as signals; actions.ts changes it. */
import { computed, signal } from "@preact/signals";
import type { Health, Model, Stream } from "./api.ts";
import type { Sample } from "./samples.ts";

export type Source = "none" | "camera" | "channel";

/** What the form says: what a start would ask for, or what the stream on screen is asked to be. */
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

/** What the stage shows. */
export type OnScreen =
  | { readonly kind: "nothing" }
  | { readonly kind: "starting" }
  | {
      readonly kind: "stream";
      readonly id: string;
      /** Path of its channel on this server; null where it publishes elsewhere. */
      readonly channel: string | null;
      readonly input: Input;
    }
  | { readonly kind: "ended"; readonly why: string };

export type Input =
  | { readonly kind: "none" }
  | { readonly kind: "camera"; readonly preview: MediaStream }
  /** Path of a channel on this server. */
  | { readonly kind: "channel"; readonly channel: string };

/** Something went wrong; `advice` says what to do about it. */
export interface Problem {
  readonly what: string;
  readonly advice: string;
}

export const SIZES = ["512 × 512", "256 × 256", "384 × 384", "768 × 768", "640 × 360"] as const;
export const FIRST_PROMPT = "a beautiful landscape at sunrise";

export const draft = signal<Draft>({
  source: "none",
  inputUrl: "",
  prompt: "",
  model: "",
  values: {},
  size: SIZES[0],
});
export const onScreen = signal<OnScreen>({ kind: "nothing" });
export const models = signal<readonly Model[]>([]);
export const health = signal<Health | null>(null);
/** Live ones, newest first. */
export const streams = signal<readonly Stream[]>([]);
/** Of the stream on screen, a second apart. */
export const samples = signal<readonly Sample[]>([]);
export const problem = signal<Problem | null>(null);
export const token = signal(sessionStorage.getItem("token") ?? "");
export const tokenWanted = signal(false);
/** Seconds behind live, as the player measures it. */
export const behind = signal<number | null>(null);

export const shown = computed<Stream | null>(() => {
  const screen = onScreen.value;
  if (screen.kind !== "stream") return null;
  return streams.value.find(({ manifest_id: id }) => id === screen.id) ?? null;
});
export const chosenModel = computed<Model | null>(
  () => models.value.find(({ name }) => name === draft.value.model) ?? null,
);

/** The draft's size in pixels. */
export function sizeOf({ size }: Draft): { width: number; height: number } {
  const [width = 512, height = 512] = size.split(" × ").map(Number);
  return { width, height };
}
