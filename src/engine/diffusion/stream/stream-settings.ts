/** Reads the settings of a diffusion stream from the values of a run. */
import { WorkerError } from "../../../errors.ts";
import type { PortValue, RunItem } from "../../models/roles/role.ts";
import { chosenEntry } from "../../models/roles/vector.ts";
import type { PictureSizes } from "../row-groups.ts";
import { GUIDANCE_MODES, type Guidance } from "../sampler/prompt-guidance.ts";
import { SAMPLING_RULES, type SamplingRules } from "../sampling-rules.ts";

/** Two numbers each, height or top first; sizes of 0 are those of the picture. */
export interface StatedSizes {
  readonly original: readonly number[];
  readonly crop: readonly number[];
  readonly target: readonly number[];
}

/** The sizes that are stated, and the picture's own for the others. */
export function statedSizes(
  { original, crop, target }: StatedSizes,
  own: PictureSizes,
): PictureSizes {
  const [height, width] = own;
  const [top = 0, left = 0] = crop;
  const sides = (stated: readonly number[]) => [stated[0] || height, stated[1] || width] as const;
  return [...sides(original), top, left, ...sides(target)];
}

export interface StreamSettings {
  readonly steps: number;
  /** Default: ComfyUI's. */
  readonly rules?: SamplingRules;
  /** Of the video: 0 keeps it, 1 ignores it. */
  readonly strength: number;
  readonly guidance: Guidance;
  readonly seed: number;
  /** By diffusers' rules: see `DrawSettings`. */
  readonly eta?: number;
  readonly guidanceRescale?: number;
  /** Layers of the text encoders that are left out. */
  readonly clipSkip?: number;
  /** SDXL's sizes, as far as they are stated. */
  readonly sizes?: StatedSizes;
  /** The steps of successive frames share runs of the denoiser: see `StepBatch`. */
  readonly streamBatch: boolean;
  /** Cosine similarity above which frames may be skipped; 0: none is. */
  readonly skipSimilar: number;
  /** Without video: how much of the last picture stays in the next, 0 to 1. */
  readonly feedback: number;
  /** Without video: where the noise has come to, in seeds from the first. */
  readonly noisePlace: number;
}

/**
 * Of a frame with video or without: what concerns the other kind is 0. Ports that a pipeline's definition leaves out have
 * values with which they do nothing.
 */
export function streamSettings({
  values,
  picture,
}: Pick<RunItem, "values" | "picture">): StreamSettings {
  const rules = SAMPLING_RULES[chosenEntry(numbersIn(values["rules"]))] ?? "ComfyUI";
  const alone = picture === null ? 1 : 0;
  // Each picture is one of its own there.
  const flows = rules === "diffusers" ? 0 : alone;
  const number = (port: string, absent?: number): number => {
    const value = values[port] ?? absent;
    if (typeof value === "number") return value;
    throw new WorkerError("internal", `no value for ${port}`);
  };
  return {
    rules,
    steps: number("steps"),
    strength: number("strength"),
    guidance: {
      scale: number("guidance"),
      mode: GUIDANCE_MODES[chosenEntry(numbersIn(values["guidance_mode"]))] ?? "full",
      delta: number("guidance_delta", 1),
    },
    seed: number("seed"),
    eta: number("eta", 0),
    guidanceRescale: number("guidance_rescale", 0),
    clipSkip: number("clip_skip", 0),
    sizes: {
      original: numbersIn(values["original_size"]),
      crop: numbersIn(values["crops_coords_top_left"]),
      target: numbersIn(values["target_size"]),
    },
    streamBatch: number("stream_batch", 0) !== 0,
    skipSimilar: number("skip_similar", 0) * (1 - alone),
    feedback: number("feedback", 0) * flows,
    noisePlace: number("drift", 0) * flows,
  };
}

const numbersIn = (value: PortValue | undefined): readonly number[] =>
  typeof value === "object" && "dtype" in value ? Array.from(value.data, Number) : [];
