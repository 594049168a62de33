/** Builds the usage of a stream, and the record that it leaves in `USAGE_LOG`. */
import { type LatencyCounts, latencyQuantile } from "../../engine/protocol/latency-counts.ts";
import { cut } from "../../shown-value.ts";
import type { StreamFigures } from "./counters.ts";
import type { Stream } from "./stream.ts";
import type { Usage } from "./usage.ts";
import type { UsageClock } from "./usage-clock.ts";

/** Characters of a failure's message. */
const MAX_REASON = 200;

/** `figures` and `latencies` are over all its engines. */
export function usageOf(
  clock: UsageClock,
  figures: StreamFigures,
  latencies: LatencyCounts,
): Usage {
  const { live, fallback, paused } = clock.ms;
  const fallbackMs = Math.round(fallback);
  const activeMs = Math.round(live) + fallbackMs;
  const pausedMs = Math.round(paused);
  const latency = (share: number): number | null => {
    const ms = latencyQuantile(latencies, share);
    return ms === null ? null : rounded(ms / 1000, 4);
  };
  return {
    started_at: clock.startedAt.toISOString(),
    ended_at: clock.endedAt?.toISOString() ?? null,
    duration_s: (activeMs + pausedMs) / 1000,
    active_s: activeMs / 1000,
    paused_s: pausedMs / 1000,
    fallback_s: fallbackMs / 1000,
    fallback_events: [...clock.fallbacks],
    frames_in: figures.frames_in,
    frames_processed: figures.frames_processed,
    frames_fallback: figures.frames_fallback,
    frames_out: figures.frames_out,
    frames_dropped: figures.frames_dropped,
    errors: figures.errors,
    restarts: figures.restarts,
    bytes_in: figures.bytes_in,
    bytes_out: figures.bytes_out,
    megapixels: rounded(figures.megapixels_out, 3),
    inference_fps: activeMs === 0 ? 0 : rounded(figures.frames_processed / (activeMs / 1000), 2),
    latency_s: { p50: latency(0.5), p95: latency(0.95), p99: latency(0.99) },
  };
}

/** A stream's id is a credential: the record names the stream as the log does. */
export function usageRecord(stream: Stream) {
  const { logId, protocol, capability, params, size, stats, error, endReason } = stream;
  return {
    stream: logId,
    protocol: protocol.name,
    capability,
    model: params.model,
    device: stats.device,
    width: size?.width ?? null,
    height: size?.height ?? null,
    status: stream.status,
    reason: endReason ?? cut(error?.message ?? "input ended", MAX_REASON),
    error: error?.kind ?? null,
    ...stream.usage,
  };
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
