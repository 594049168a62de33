/** Declares the usage of a stream: how long it ran in which state, and what it took in and gave out. */
import { type Static, Type } from "@sinclair/typebox";
import { FALLBACK_REASONS } from "../../engine/protocol/showing.ts";
import { literals, nullable } from "../../schema.ts";

/** Of a stream the latest ones are kept. */
export const MAX_FALLBACK_EVENTS = 50;

/** Why no picture of the model is shown: an engine's reasons, and `engine_lost` between two engines. */
export const SHOWN_REASONS = [...FALLBACK_REASONS, "engine_lost"] as const;
export type ShownReason = (typeof SHOWN_REASONS)[number];

const Seconds = (description: string) => Type.Number({ minimum: 0, description });
const Latency = nullable(Type.Number());
const Count = (description: string) => Type.Integer({ minimum: 0, description });

/** What a stream has used so far, or in its whole life. `active_s` + `paused_s` = `duration_s`. */
export const Usage = Type.Object({
  started_at: Type.String({ description: "when it was admitted" }),
  ended_at: nullable(Type.String(), { description: "null while it lives" }),
  duration_s: Seconds("from its admission until now or until its end"),
  active_s: Seconds("in which it was not paused"),
  paused_s: Seconds("in which it was paused"),
  fallback_s: Seconds(
    "of active_s, in which no picture of the model was shown: while it started, while the model loaded, failed or stalled, and while an engine was replaced",
  ),
  fallback_events: Type.Array(
    Type.Object({
      at: Type.String(),
      reason: literals(SHOWN_REASONS),
    }),
    { maxItems: MAX_FALLBACK_EVENTS, description: "the latest, the oldest of them first" },
  ),
  frames_in: Count("frames that came in, or that the clock asked for"),
  frames_processed: Count("frames that the model made"),
  frames_fallback: Count("frames shown in place of the model's"),
  frames_out: Count("frames whose last byte was handed to the output channel's socket"),
  frames_dropped: Count("frames that were wanted and did not come out"),
  errors: Count("runs of the model that failed"),
  restarts: Count("engines that died while they ran it"),
  bytes_in: Count("bytes that came in from the input channel"),
  bytes_out: Count("bytes handed to the output channel"),
  megapixels: Type.Number({ minimum: 0, description: "of the frames out, in millions of pixels" }),
  inference_fps: Type.Number({
    minimum: 0,
    description: "frames that the model made, per second active",
  }),
  latency_s: Type.Object(
    { p50: Latency, p95: Latency, p99: Latency },
    {
      description:
        "seconds from a frame's last input byte to its last output byte, over its whole life, within 5 %; null before the first frame",
    },
  ),
});
export type Usage = Static<typeof Usage>;
