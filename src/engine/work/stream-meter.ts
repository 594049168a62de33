/** What is counted of one stream. */
import { TICKS_PER_SECOND, type Ticks } from "../../media/time.ts";
import type { Percentiles, StreamStats } from "../protocol/stats.ts";

/** Frames that percentiles look back on: ten seconds at 30 fps. */
const WINDOW = 300;
/** A rate is counted over so much media. */
const RATE_SECONDS = 2;
/** What came within so long before the latest came in one go, as far as a rate knows. */
const BURST_MS = 2000;
/** Segments are not longer; stamps that are further apart have jumped. */
const MAX_BURST_MS = 12_000;
/** The next segment may be so much later than the one before it lasts. */
const LATE_MS = 1500;

export class StreamMeter {
  framesIn = 0;
  framesOut = 0;
  framesDropped = 0;
  executionProvider: string | null = null;
  readonly latency = new Distribution();
  readonly inference = new Distribution();
  readonly #pictures: { readonly in: Rate; readonly out: Rate };
  readonly #sound: { readonly in: Rate; readonly out: Rate };

  /** `now` tells milliseconds: silence is measured by it. */
  constructor(now: () => number = () => performance.now()) {
    this.#pictures = { in: new Rate(now), out: new Rate(now) };
    this.#sound = { in: new Rate(now), out: new Rate(now) };
  }

  /** A frame came in, or its time came. */
  frameIn(pts: Ticks): void {
    this.framesIn++;
    this.#pictures.in.count(pts);
  }

  /** A frame has left; `latencyMs` from its last input byte to the socket. */
  frameOut(pts: Ticks, latencyMs: number): void {
    this.framesOut++;
    this.#pictures.out.count(pts);
    this.latency.add(latencyMs);
  }

  /** A packet of sound came in. */
  soundIn(pts: Ticks): void {
    this.#sound.in.count(pts);
  }

  /** A packet of sound goes to the segmenter. */
  soundOut(pts: Ticks): void {
    this.#sound.out.count(pts);
  }

  /** Everything at once, with what others count. */
  snapshot(
    rest: Pick<StreamStats, "segments_out" | "segments_skipped" | "bytes_out" | "model" | "device">,
  ): StreamStats {
    return {
      ...rest,
      fps_in: this.#pictures.in.perSecond(),
      fps_out: this.#pictures.out.perSecond(),
      audio_fps_in: this.#sound.in.perSecond(),
      audio_fps_out: this.#sound.out.perSecond(),
      frames_in: this.framesIn,
      frames_out: this.framesOut,
      frames_dropped: this.framesDropped,
      latency_ms: this.latency.percentiles(),
      inference_ms: this.inference.percentiles(),
      execution_provider: this.executionProvider,
    };
  }
}

/** The last values of something measured in milliseconds. */
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
 * Frames or packets a second of media, over the newest two seconds of media: a gateway brings whole segments, of
 * up to ten seconds at once, and by the time of their arrival they would be many a second, then none. Nothing
 * as soon as no more has come for longer than the last ones take to play and 1.5 s: after 3.5 s of silence
 * where they come evenly, after 11.5 s where they come in segments of ten.
 */
class Rate {
  readonly #now: () => number;
  /** In the order they came, as far back as anybody looks. */
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

  /** How long what came last takes to play. */
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
