/** Declares what an engine reports for `GET /metrics`: what has happened in it since its last report, over all its streams. */
import { Type } from "@sinclair/typebox";
import { type Immutable, literals } from "../../schema.ts";
import { Count } from "./stats.ts";

/** Upper bounds of the buckets that durations are counted in, in milliseconds. A last bucket takes what is longer. */
export const DURATION_BOUNDS_MS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 30, 40, 50, 75, 100, 150, 250, 500],
  ...[1000, 2500, 5000, 10_000, 30_000, 120_000],
];

/** Where a frame is worked on. `publish` lasts from the encoder's output until the socket has taken the last byte. */
export const STAGES = ["decode", "inference", "encode", "publish"] as const;
export type StageName = (typeof STAGES)[number];

/** What a frame waits for: the infer stage, and from then on that the device begins with its model. */
export const WAITS = ["inference", "device"] as const;
export type WaitName = (typeof WAITS)[number];

/**
 * Why a frame that was wanted did not come out. `backlog`: the decoder is too slow for the input. `undecodable`: damaged,
 * before the first key frame, or too large. `overtaken`: a newer one came while it waited. `late`: its turn came too late.
 * `not_made`: a model failed and there was nothing to show. `out_of_order`: its time was not after that of the one before.
 * `undelivered`: the output channel did not take it, or it was too large for one. `ended`: it waited when the stream ended.
 */
export const DROP_CAUSES = [
  "backlog",
  "undecodable",
  "overtaken",
  "late",
  "not_made",
  "out_of_order",
  "undelivered",
  "ended",
] as const;
export type DropCause = (typeof DROP_CAUSES)[number];

/** Durations counted by bucket: see `DURATION_BOUNDS_MS`. */
export const Durations = Type.Object({ counts: Type.Array(Count), sum_ms: Type.Number() });
export type Durations = Immutable<typeof Durations>;

export const LOAD_OUTCOMES = ["ready", "failed"] as const;

/** The load of a model has ended. */
export const ModelLoad = Type.Object({
  /** As callers name it: all graphs count as one model. */
  model: Type.String(),
  outcome: literals(LOAD_OUTCOMES),
  /** Of one load. */
  durations: Durations,
});
export type ModelLoad = Immutable<typeof ModelLoad>;

/** Requests of trickle clients by what they were for and how they ended: see `AnswerCounts`. */
const TrickleAnswer = Type.Object({
  direction: literals(["subscribe", "publish"]),
  status: Type.String(),
  count: Count,
});
export type TrickleAnswer = Immutable<typeof TrickleAnswer>;

/** Members of a record that nothing was counted for are absent. */
export const EngineMetrics = Type.Object({
  frames_in: Count,
  frames_out: Count,
  frames_skipped: Count,
  frames_dropped: Type.Record(Type.String(), Count),
  segments_out: Count,
  bytes_out: Count,
  stages: Type.Record(Type.String(), Durations),
  waits: Type.Record(Type.String(), Durations),
  /** From a frame's last input byte to its last output byte. */
  latency: Type.Optional(Durations),
  /** Time on the device for one frame, by the model that the stream asked for. */
  inference: Type.Record(Type.String(), Durations),
  loads: Type.Array(ModelLoad),
  trickle: Type.Array(TrickleAnswer),
  /** Bytes of memory now: of the engine process, and what its loaded models were estimated to take. */
  resident_bytes: Count,
  model_bytes: Count,
});
export type EngineMetrics = Immutable<typeof EngineMetrics>;
