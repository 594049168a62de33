/** Declares what the viewers of a stream see, and the reasons for showing something other than the model's pictures. */
import { Type } from "@sinclair/typebox";
import { type Immutable, literals } from "../../schema.ts";

/** Why no picture of a model is shown. `starting`: no frame has come out, and no model is loading. */
export const FALLBACK_REASONS = ["starting", "loading", "model_failed", "stalled"] as const;
export const FallbackReason = literals(FALLBACK_REASONS);
export type FallbackReason = Immutable<typeof FallbackReason>;

/**
 * What the viewers of a stream see. `live`: pictures of its model. `paused`: whatever a paused stream shows. `fallback`:
 * something else, for the reason given.
 */
export const Showing = Type.Object({
  output: literals(["live", "fallback", "paused"]),
  reason: Type.Optional(FallbackReason),
});
export type Showing = Immutable<typeof Showing>;
