/** The contents of the form: the stream to start, or the wanted state of the one on screen. */
import type { Value, Values } from "./api.ts";
import { NO_PROMPTS, type Prompts } from "./prompts.ts";

export type Source = "none" | "camera" | "channel";

export interface Preset {
  readonly name: string;
  readonly values: Values;
}

export interface Draft {
  readonly source: Source;
  /** Trickle channel to read from; used if the source is `channel`. */
  readonly inputUrl: string;
  readonly prompts: Prompts;
  /** Text of a ComfyUI graph, right or wrong; used in place of prompts by the model that runs graphs. */
  readonly graph: string;
  /** Empty until the models have been loaded. */
  readonly model: string;
  /** The model's parameters that have been set, by hand or by a preset; the others have their defaults. */
  readonly values: Values;
  /** The preset that was chosen last; a new object at each choice. Its values are in `values`, too. */
  readonly preset: Preset | null;
  readonly size: string;
  /** Whether the pictures of the running stream carry a marker by which the page measures how old they are. */
  readonly measured: boolean;
}

export const SIZES = ["512 × 512", "256 × 256", "384 × 384", "768 × 768", "640 × 360"] as const;
export const FIRST_DRAFT: Draft = {
  source: "none",
  inputUrl: "",
  prompts: NO_PROMPTS,
  graph: "",
  model: "",
  values: {},
  preset: null,
  size: SIZES[0],
  measured: false,
};

/** The draft's size in pixels. */
export function sizeOf({ size }: Draft): { width: number; height: number } {
  const [width = 512, height = 512] = size.split(" × ").map(Number);
  return { width, height };
}

/** A camera's frames have the time at which they were taken; all others get that of their arrival. */
export const markerOf = ({ source }: Draft): "input" | "time" =>
  source === "camera" ? "input" : "time";

/** Another model, with its defaults. */
export const withModel = (model: string) => ({ model, values: {}, preset: null });

/** One value changes; null goes back to the default. */
export function withValue({ values, preset }: Draft, name: string, value: Value | null) {
  if (value !== null) return { values: { ...values, [name]: value } };
  const { [name]: before, ...rest } = values;
  // The preset would set it again.
  const holds = preset !== null && Object.hasOwn(preset.values, name);
  return { values: rest, ...(holds ? { preset: null } : {}) };
}

/** The values of a preset replace those that it names. */
export const withPreset = ({ values }: Draft, preset: Preset) => ({
  values: { ...values, ...preset.values },
  preset,
});
