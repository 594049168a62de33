/** Measures one stream over all its engines: what it counts, what its viewers see, and for how long. */
import { latencyQuantile } from "../../engine/protocol/latency-counts.ts";
import type { Showing } from "../../engine/protocol/showing.ts";
import type { StreamStats } from "../../engine/protocol/stats.ts";
import { StreamCounters, type StreamFigures } from "./counters.ts";
import type { Usage } from "./usage.ts";
import { type Shown, UsageClock } from "./usage-clock.ts";

export class Measurements {
  readonly #counters = new StreamCounters();
  readonly #clock: UsageClock;

  constructor(isPaused: boolean) {
    this.#clock = new UsageClock(isPaused);
  }

  get startedAt(): Date {
    return this.#clock.startedAt;
  }
  /** What its viewers see. */
  get showing(): Shown {
    return this.#clock.shown;
  }
  /** True once its present engine has reported figures; false again between two engines. */
  get isReported(): boolean {
    return this.#counters.isReported;
  }
  /** Audio packets a second, in and out, which pytrickle's callers ask for (protocol.md 5.3). */
  get audioRates(): { readonly in: number; readonly out: number } {
    return this.#counters.audioRates;
  }

  /** The `stats` of contract.md; `model` is shown before the first figures. */
  stats(model: string): StreamFigures {
    return this.#counters.figures(model);
  }

  /** Until now, or in the stream's whole life. */
  usage(): Usage {
    const counted = this.#counters.totals;
    const { live, fallback, paused } = this.#clock.ms;
    const fallbackMs = Math.round(fallback);
    const activeMs = Math.round(live) + fallbackMs;
    const pausedMs = Math.round(paused);
    const latencies = this.#counters.latencies;
    const latency = (share: number): number | null => {
      const ms = latencyQuantile(latencies, share);
      return ms === null ? null : rounded(ms / 1000, 4);
    };
    return {
      started_at: this.#clock.startedAt.toISOString(),
      ended_at: this.#clock.endedAt?.toISOString() ?? null,
      duration_s: (activeMs + pausedMs) / 1000,
      active_s: activeMs / 1000,
      paused_s: pausedMs / 1000,
      fallback_s: fallbackMs / 1000,
      fallback_events: [...this.#clock.fallbacks],
      frames_in: counted.frames_in,
      frames_processed: counted.frames_processed,
      frames_fallback: counted.frames_fallback,
      frames_out: counted.frames_out,
      frames_dropped: counted.frames_dropped,
      errors: counted.errors,
      restarts: this.#counters.restarts,
      bytes_in: counted.bytes_in,
      bytes_out: counted.bytes_out,
      megapixels: rounded(counted.megapixels_out, 3),
      inference_fps: activeMs === 0 ? 0 : rounded(counted.frames_processed / (activeMs / 1000), 2),
      latency_s: { p50: latency(0.5), p95: latency(0.95), p99: latency(0.99) },
    };
  }

  take(stats: StreamStats): void {
    this.#counters.take(stats);
  }

  show(showing: Showing): void {
    this.#clock.show(showing);
  }

  pause(isPaused: boolean): void {
    this.#clock.pause(isPaused);
  }

  /** Its engine is gone. `hungRuns`: runs of its model that never ended, which no engine reports. */
  interrupted(hungRuns = 0): void {
    this.#clock.interrupted();
    this.#counters.interrupted(hungRuns);
  }

  end(): void {
    this.#clock.end();
  }
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));
