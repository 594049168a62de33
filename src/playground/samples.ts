/** Hides how the figures of a stream become lines over time. */
import type { Stream } from "./api.ts";

export interface Sample {
  readonly fps: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** Frames dropped since the sample before. */
  readonly dropped: number;
  readonly droppedInAll: number;
}

/** So many seconds are kept. */
export const KEPT = 90;

/** The samples with this second's figures behind them. */
export function withSample(before: readonly Sample[], { stats }: Stream): Sample[] {
  const last = before.at(-1);
  const sample = {
    fps: stats.fps_out,
    ...stats.latency_ms,
    dropped: Math.max(0, stats.frames_dropped - (last?.droppedInAll ?? stats.frames_dropped)),
    droppedInAll: stats.frames_dropped,
  };
  return [...before.slice(1 - KEPT), sample];
}
