/** Declares the figures that an engine reports about each stream and about itself. */
import { Type } from "@sinclair/typebox";
import { type Immutable, nullable } from "../../schema.ts";
import { LatencyCounts } from "./latency-counts.ts";

/** A number of events, bytes or objects. The server's API promises at least 0, so a report below that is refused. */
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const Milliseconds = nullable(Type.Number());

/** 50th, 95th and 99th percentile in milliseconds over the last 300 frames; null before the first. */
export const Percentiles = Type.Object({
  p50: Milliseconds,
  p95: Milliseconds,
  p99: Milliseconds,
});
export type Percentiles = Immutable<typeof Percentiles>;

/** The counters of a stream since its start in one engine; the server adds up engines. */
export const StreamCounts = Type.Object({
  frames_in: Count,
  frames_out: Count,
  frames_dropped: Count,
  /** Frames made by the model, whether they were delivered or not. */
  frames_processed: Count,
  /** Frames made in place of a model's: while paused, loading, failing or stalled. */
  frames_fallback: Count,
  /** Runs of the model that failed. */
  errors: Count,
  /** Pixels of the frames that left, in millions. */
  megapixels_out: Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  segments_out: Count,
  /** Segments skipped because the peer stalled. */
  segments_skipped: Count,
  bytes_in: Count,
  bytes_out: Count,
});
export type StreamCounts = Immutable<typeof StreamCounts>;

/** One stream's figures in one engine. */
export const StreamStats = Type.Object({
  ...StreamCounts.properties,
  /** Runs that failed since the last that did not. */
  consecutive_errors: Count,
  /** Frames per second of media; steady also where they arrive in whole segments, 0 soon after they stop. */
  fps_in: Type.Number(),
  fps_out: Type.Number(),
  /** Audio packets per second of media. */
  audio_fps_in: Type.Number(),
  audio_fps_out: Type.Number(),
  latency_ms: Percentiles,
  /** Of all frames since its start in this engine. */
  latency_counts: LatencyCounts,
  inference_ms: Percentiles,
  model: Type.String(),
  device: Type.String(),
  execution_provider: nullable(Type.String()),
});
export type StreamStats = Immutable<typeof StreamStats>;

/** What lives in an engine. All zero after the last stream ended. */
export const EngineCensus = Type.Object({
  streams: Count,
  /** Native frames not yet freed. */
  frames: Count,
  /** Open HTTP requests to trickle servers. */
  requests: Count,
});
export type EngineCensus = Immutable<typeof EngineCensus>;
