/** Adds up a stream's counters over all its engines; rates and delays are those of the latest engine. */
import { type Static, Type } from "@sinclair/typebox";
import { addLatencyCounts, type LatencyCounts } from "../../engine/protocol/latency-counts.ts";
import { type Percentiles, StreamCounts, StreamStats } from "../../engine/protocol/stats.ts";
import { nullable } from "../../schema.ts";

/** The figures of a stream over all its engines: `stats` of contract.md. */
export const StreamFigures = Type.Object({
  ...Type.Omit(StreamStats, ["audio_fps_in", "audio_fps_out", "latency_counts", "device"])
    .properties,
  restarts: Type.Integer(),
  /** Null before the first figures. */
  device: nullable(StreamStats.properties.device),
});
export type StreamFigures = Static<typeof StreamFigures>;

type Counters = Static<typeof StreamCounts>;
const COUNTERS = Object.keys(StreamCounts.properties) as (keyof Counters)[];

const NONE: Percentiles = { p50: null, p95: null, p99: null };

export class StreamCounters {
  /** Totals of engines that are gone. */
  #earlier: Counters = countersOf(null);
  #earlierLatencies: LatencyCounts = [];
  #latest: StreamStats | null = null;
  #restarts = 0;
  /** Where its engine runs, or the one before it ran. */
  #device: string | null = null;

  /** True once the present engine has reported figures. */
  get isReported(): boolean {
    return this.#latest !== null;
  }

  take(stats: StreamStats): void {
    this.#latest = stats;
    this.#device = stats.device;
  }

  /** The engine is gone: its last figures are added to the totals, and its hung runs to the errors. */
  interrupted(hungRuns: number): void {
    const { errors, ...counted } = this.totals;
    this.#earlier = { ...counted, errors: errors + hungRuns };
    this.#earlierLatencies = this.latencies;
    this.#latest = null;
    this.#restarts++;
  }

  /** Engines that died. */
  get restarts(): number {
    return this.#restarts;
  }

  get totals(): Counters {
    const now = countersOf(this.#latest);
    for (const name of COUNTERS)
      now[name] = Math.min(Number.MAX_SAFE_INTEGER, now[name] + this.#earlier[name]);
    return now;
  }

  /** The latencies of all frames that left. */
  get latencies(): LatencyCounts {
    return addLatencyCounts(this.#earlierLatencies, this.#latest?.latency_counts ?? []);
  }

  /** The `stats` of contract.md; `model` is shown before the first figures. */
  figures(model: string): StreamFigures {
    return {
      fps_in: this.#latest?.fps_in ?? 0,
      fps_out: this.#latest?.fps_out ?? 0,
      ...this.totals,
      restarts: this.#restarts,
      consecutive_errors: this.#latest?.consecutive_errors ?? 0,
      latency_ms: this.#latest?.latency_ms ?? NONE,
      inference_ms: this.#latest?.inference_ms ?? NONE,
      model: this.#latest?.model ?? model,
      device: this.#device,
      execution_provider: this.#latest?.execution_provider ?? null,
    };
  }

  /** Audio packets a second, in and out, which pytrickle's callers ask for (protocol.md 5.3). */
  get audioRates(): { readonly in: number; readonly out: number } {
    return { in: this.#latest?.audio_fps_in ?? 0, out: this.#latest?.audio_fps_out ?? 0 };
  }
}

function countersOf(stats: StreamStats | null): Counters {
  return {
    frames_in: stats?.frames_in ?? 0,
    frames_out: stats?.frames_out ?? 0,
    frames_dropped: stats?.frames_dropped ?? 0,
    frames_processed: stats?.frames_processed ?? 0,
    frames_fallback: stats?.frames_fallback ?? 0,
    errors: stats?.errors ?? 0,
    megapixels_out: stats?.megapixels_out ?? 0,
    segments_out: stats?.segments_out ?? 0,
    segments_skipped: stats?.segments_skipped ?? 0,
    bytes_in: stats?.bytes_in ?? 0,
    bytes_out: stats?.bytes_out ?? 0,
  };
}
