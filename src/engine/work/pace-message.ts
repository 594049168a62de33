/** Explains why a stream loses most of its frames: its runs take too long, or one does not end. */
import { COMFYUI_PROVIDER } from "../device/loaded-model.ts";
import type { StreamStats } from "../protocol/stats.ts";

/** Without a finished run for this long, how long the runs before took explains nothing. */
const STANDSTILL_MS = 3000;

/** @param silentMs time since the last run ended, or since the model was put to use */
export function behindMessage(
  {
    fps_in,
    fps_out,
    inference_ms: { p50 },
    model,
    execution_provider,
  }: Pick<StreamStats, "fps_in" | "fps_out" | "inference_ms" | "model" | "execution_provider">,
  silentMs: number,
): string {
  const isServed = execution_provider === COMFYUI_PROVIDER;
  const runner = isServed ? "the ComfyUI at COMFYUI_URL" : model;
  const runs =
    silentMs > STANDSTILL_MS
      ? `${runner} has finished no run for ${Math.round(silentMs / 1000)} s`
      : `a run ${isServed ? "in" : "of"} ${runner} takes ${p50 ?? "?"} ms`;
  const way = isServed
    ? "see what else is in its queue, or ask for a smaller size, a lower fps or a faster graph"
    : "ask for a smaller size, a lower fps or a faster model";
  return `it does not keep up: most of its frames are dropped (${fps_out} of ${fps_in} frames a second leave, ${runs}); ${way}`;
}
