/** Reads the settings of a diffusion stream from the values of a run. */
import { WorkerError } from "../../../errors.ts";
import type { PortValue, RunItem } from "../../models/roles/role.ts";
import { GUIDANCE_MODES, type Guidance } from "../sampler/prompt-guidance.ts";
import { SAMPLING_RULES, type SamplingRules } from "../sampling-rules.ts";

export interface StreamSettings {
  readonly steps: number;
  /** Default: ComfyUI's. */
  readonly rules?: SamplingRules;
  /** Of the video: 0 keeps it, 1 ignores it. */
  readonly strength: number;
  readonly guidance: Guidance;
  readonly seed: number;
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
  const rules = SAMPLING_RULES[highest(values["rules"])] ?? "ComfyUI";
  const alone = picture === null ? 1 : 0;
  // Each picture is one of its own there.
  const flows = rules === "diffusers" ? 0 : alone;
  const number = (port: string, absent?: number): number => {
    const value = values[port] ?? absent;
    if (typeof value === "number") return value;
    throw new WorkerError("internal", `no value for ${port}`);
  };
  return {
    ...{ rules, steps: number("steps") },
    strength: number("strength"),
    guidance: {
      scale: number("guidance"),
      mode: GUIDANCE_MODES[highest(values["guidance_mode"])] ?? "full",
      delta: number("guidance_delta", 1),
    },
    seed: number("seed"),
    streamBatch: number("stream_batch", 0) !== 0,
    skipSimilar: number("skip_similar", 0) * (1 - alone),
    feedback: number("feedback", 0) * flows,
    noisePlace: number("drift", 0) * flows,
  };
}

/** The place of the greatest number of a list, which is the entry that was chosen. */
function highest(value: PortValue | undefined): number {
  if (typeof value !== "object" || !("dtype" in value)) return 0;
  const numbers = Array.from(value.data, Number);
  return numbers.indexOf(Math.max(...numbers));
}
