/** Collects a stream's figures over time for the charts. */
import type { Stream } from "./api.ts";

export interface Sample {
  readonly fps: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** Frames dropped since the previous sample. */
  readonly dropped: number;
  readonly droppedInAll: number;
  /** Age of the picture on screen in milliseconds; null where it is not measured. */
  readonly delay: number | null;
}

/** Samples retained, one a second. */
export const MAX_SAMPLES = 90;

/** Appends the stream's current figures. */
export function withSample(
  before: readonly Sample[],
  { stats }: Stream,
  delay: number | null,
): Sample[] {
  const last = before.at(-1);
  const sample = {
    fps: stats.fps_out,
    ...stats.latency_ms,
    dropped: Math.max(0, stats.frames_dropped - (last?.droppedInAll ?? stats.frames_dropped)),
    droppedInAll: stats.frames_dropped,
    delay,
  };
  return [...before.slice(1 - MAX_SAMPLES), sample];
}
