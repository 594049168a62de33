/** Measures one stream: frames and audio packets in and out, rates, latency, inference times. */
import { TICKS_PER_SECOND, type Ticks } from "../../media/time.ts";
import { LatencyCounter } from "../protocol/latency-counts.ts";
import type { Percentiles, StreamStats } from "../protocol/stats.ts";
import type { Size } from "../protocol/work.ts";

/** Percentiles cover this many frames: ten seconds at 30 fps. */
const WINDOW = 300;
/** Rates cover this much media. */
const RATE_SECONDS = 2;
/** Items that arrive within this time of the latest count as one burst. */
const BURST_MS = 2000;
/** No segment is longer; timestamps that are further apart have jumped. */
const MAX_BURST_MS = 12_000;
/** The next burst may be late by this much, counted from when the last one has been played. */
const LATE_MS = 1500;

export class StreamMeter {
  framesIn = 0;
  framesOut = 0;
  /** Dropped before they were finished. */
  framesDropped = 0;
  /** Finished, and not taken by the output channel. */
  framesUndelivered = 0;
  /** Made by the models, and in place of their pictures. */
  framesProcessed = 0;
  framesFallback = 0;
  /** Failed runs: all, and those since the last that did not fail. */
  errors = 0;
  consecutiveErrors = 0;
  /** Of the frames that have left. */
  pixelsOut = 0;
  executionProvider: string | null = null;
  readonly latency = new Distribution();
  readonly #latencies = new LatencyCounter();
  #inference = new Distribution();
  /** When the last run ended, or those before it were forgotten. */
  #inferredAt: number;
  readonly #now: () => number;
  readonly #video: { readonly in: Rate; readonly out: Rate };
  readonly #audio: { readonly in: Rate; readonly out: Rate };

  /** `now` returns milliseconds; silence is measured by it. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#inferredAt = now();
    this.#video = { in: new Rate(now), out: new Rate(now) };
    this.#audio = { in: new Rate(now), out: new Rate(now) };
  }

  /** A frame arrived, or a tick of the clock is due. */
  frameIn(pts: Ticks): void {
    this.framesIn++;
    this.#video.in.count(pts);
  }

  /** A frame has left. `latencyMs`: from its last input byte until the socket took its last output byte. */
  frameOut({ pts, width, height }: Size & { readonly pts: Ticks }, latencyMs: number): void {
    this.framesOut++;
    this.pixelsOut += width * height;
    this.#video.out.count(pts);
    this.latency.add(latencyMs);
    this.#latencies.record(latencyMs);
  }

  /** A run of the models has ended. */
  inferred(ms: number): void {
    this.#inference.add(ms);
    this.#inferredAt = this.#now();
  }

  /** The models have made a frame. */
  frameProcessed(): void {
    this.framesProcessed++;
    this.consecutiveErrors = 0;
  }

  /** A run of the models has failed. */
  runFailed(): void {
    this.errors++;
    this.consecutiveErrors++;
  }

  /** Other models or graphs draw from now on: their runs are measured by themselves. */
  beginInference(): void {
    this.#inference = new Distribution();
    this.#inferredAt = this.#now();
  }

  /** Milliseconds since a run ended, or the present models were put to use. */
  get msSinceInference(): number {
    return this.#now() - this.#inferredAt;
  }

  /** An audio packet arrived. */
  audioIn(pts: Ticks): void {
    this.#audio.in.count(pts);
  }

  /** An audio packet goes to the segmenter. */
  audioOut(pts: Ticks): void {
    this.#audio.out.count(pts);
  }

  /** All figures, together with those counted elsewhere. */
  snapshot(
    rest: Pick<
      StreamStats,
      "segments_out" | "segments_skipped" | "bytes_in" | "bytes_out" | "model" | "device"
    >,
  ): StreamStats {
    return {
      ...rest,
      fps_in: this.#video.in.perSecond(),
      fps_out: this.#video.out.perSecond(),
      audio_fps_in: this.#audio.in.perSecond(),
      audio_fps_out: this.#audio.out.perSecond(),
      frames_in: this.framesIn,
      frames_out: this.framesOut,
      frames_processed: this.framesProcessed,
      frames_fallback: this.framesFallback,
      errors: this.errors,
      consecutive_errors: this.consecutiveErrors,
      megapixels_out: this.pixelsOut / 1e6,
      frames_dropped: this.framesDropped + this.framesUndelivered,
      latency_ms: this.latency.percentiles(),
      latency_counts: this.#latencies.counts,
      inference_ms: this.#inference.percentiles(),
      execution_provider: this.executionProvider,
    };
  }
}

/** The latest values of a measurement in milliseconds. */
export class Distribution {
  readonly #values: number[] = [];
  #next = 0;

  add(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % WINDOW;
  }

  percentiles(): Percentiles {
    const sorted = this.#values.toSorted((a, b) => a - b);
    const at = (share: number): number | null => {
      const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
      return value === undefined ? null : Math.round(value * 10) / 10;
    };
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}

/**
 * Frames or packets per second of media, over the latest two seconds of media. Counted by arrival time the rate would
 * jump: a gateway sends whole segments of up to ten seconds at once. The rate drops to 0 when nothing has arrived for
 * 1.5 s longer than the last burst takes to play: after 3.5 s where items arrive evenly, after 11.5 s where they
 * arrive in segments of ten seconds.
 */
class Rate {
  readonly #now: () => number;
  /** In order of arrival, as far back as the rate reaches. */
  readonly #seen: { readonly pts: Ticks; readonly at: number }[] = [];
  #newest = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  count(pts: Ticks): void {
    const at = this.#now();
    this.#seen.push({ pts, at });
    this.#newest = Math.max(this.#newest, pts);
    for (let [oldest] = this.#seen; oldest && !this.#matters(oldest, at); [oldest] = this.#seen) {
      this.#seen.shift();
    }
  }

  perSecond(): number {
    const latest = this.#seen.at(-1);
    if (!latest || this.#now() - latest.at > this.#playsMs(latest.at) + LATE_MS) return 0;
    const frames = this.#seen.filter(({ pts }) => this.#counts(pts)).length;
    return Math.round((frames * 10) / RATE_SECONDS) / 10;
  }

  /** How long the last burst takes to play. */
  #playsMs(latest: number): number {
    const first = this.#seen.find(({ at }) => latest - at <= BURST_MS);
    const ticks = this.#newest - (first?.pts ?? this.#newest);
    return Math.min(MAX_BURST_MS, Math.max(BURST_MS, (ticks * 1000) / TICKS_PER_SECOND));
  }

  #matters({ pts, at }: { readonly pts: Ticks; readonly at: number }, latest: number): boolean {
    return this.#counts(pts) || latest - at <= BURST_MS;
  }

  #counts(pts: Ticks): boolean {
    return pts > this.#newest - RATE_SECONDS * TICKS_PER_SECOND;
  }
}
