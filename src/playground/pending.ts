/** Says what a stream waits for before its newest settings are in the picture. */
import type { Model, Stream } from "./api.ts";
import { isGraphModel } from "./graph/graph-model.ts";

/** Changes that take less time are not mentioned. */
const QUICK_MS = 800;

interface PendingOptions {
  readonly models: readonly Model[];
  /** The server's time in milliseconds since 1970. */
  readonly now: number;
}

/** A short text; empty if nothing is pending, or if it only waits for the input's next frame. */
export function pendingText(
  { pending, created_at, params, stats }: Stream,
  { models, now }: PendingOptions,
): string {
  // A stream that starts, or whose engine has died, has no change pending and waits for its model alone.
  if (now - Date.parse(pending?.since ?? created_at) < QUICK_MS) return "";
  const { state } = models.find(({ name }) => name === params.model) ?? {};
  if (state === "warming" || (state === "cold" && !isGraphModel(params.model)))
    return `Loading ${params.model} …`;
  if (pending === undefined || stats.fps_in === 0) return "";
  if (isGraphModel(params.model)) return "Preparing the graph …";
  return stats.frames_out > 0 ? "Applying the change …" : "";
}
