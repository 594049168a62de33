/** Chooses models that fit the source of the video. */
import type { Model } from "./api.ts";
import { isGraphModel } from "./graph/graph-model.ts";

/** The models that are tried first, where they are there. */
const PREFERRED = { video: ["restyle", "edges"], none: ["dreamscape", "test-card"] } as const;

export type VideoSource = keyof typeof PREFERRED;

/** Whether a model can run: with a video, if it uses one; without, if it can draw without. */
export const fits = (model: Model, source: VideoSource): boolean =>
  source === "video" ? model.takes_video : !model.needs_video;

export const isUsable = (model: Model): boolean => model.state !== "failed";

/** The name of the default model for a source; of any model if none fits; empty without models. */
export function firstModel(models: readonly Model[], source: VideoSource): string {
  const fitting = models.filter((model) => fits(model, source) && isUsable(model));
  const preferred = PREFERRED[source].map((name) => fitting.find((model) => model.name === name));
  // Without a video, those come first that are made for it.
  const natural = fitting.find((model) => model.takes_video === (source === "video"));
  const found = preferred.find((model) => model !== undefined) ?? natural ?? fitting[0];
  return (found ?? models[0])?.name ?? "";
}

/** The model for a scene that was described: the chosen one, or the first that fits and takes prompts. */
export function promptedModel(
  models: readonly Model[],
  chosen: Model | null,
  source: VideoSource,
): string {
  const takesWords = ({ name, takes_prompts }: Model) => takes_prompts && !isGraphModel(name);
  if (chosen !== null && takesWords(chosen)) return chosen.name;
  const prompted = models.filter((model) => takesWords(model) && fits(model, source));
  return prompted.length === 0 ? (chosen?.name ?? "") : firstModel(prompted, source);
}

export const MODEL_GROUPS = [
  { label: "Generate video", has: (model: Model) => !model.takes_video },
  {
    label: "With or without video",
    has: (model: Model) => model.takes_video && !model.needs_video,
  },
  { label: "Transform video", has: (model: Model) => model.needs_video },
] as const;
