/** What is counted of one stream. */
import type { Percentiles, StreamStats } from "./protocol.ts";

/** Frames that percentiles look back on: ten seconds at 30 fps. */
const WINDOW = 300;
/** A rate is counted over this long. */
const RATE_MS = 2000;

export class StreamCounters {
  framesIn = 0;
  framesOut = 0;
  framesDropped = 0;
  executionProvider: string | null = null;
  readonly latency = new Distribution();
  readonly inference = new Distribution();
  readonly #rateIn = new Rate();
  readonly #rateOut = new Rate();

  /** A frame came in, or its time came. */
  frameIn(): void {
    this.framesIn++;
    this.#rateIn.count();
  }

  /** A frame has left; `latencyMs` from its last input byte to the socket. */
  frameOut(latencyMs: number): void {
    this.framesOut++;
    this.#rateOut.count();
    this.latency.add(latencyMs);
  }

  /** Everything at once, with what others count. */
  snapshot(
    rest: Pick<
      StreamStats,
      "segments_out" | "segments_skipped" | "bytes_out" | "model" | "device"
    > & { readonly packetsDropped: number },
  ): StreamStats {
    const { packetsDropped, ...others } = rest;
    return {
      ...others,
      fps_in: this.#rateIn.perSecond(),
      fps_out: this.#rateOut.perSecond(),
      frames_in: this.framesIn,
      frames_out: this.framesOut,
      frames_dropped: this.framesDropped + packetsDropped,
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

/** Events a second over the last two. */
class Rate {
  readonly #times: number[] = [];

  count(): void {
    this.#times.push(performance.now());
    this.#forget();
  }

  perSecond(): number {
    this.#forget();
    return Math.round((this.#times.length * 10_000) / RATE_MS) / 10;
  }

  #forget(): void {
    const since = performance.now() - RATE_MS;
    while ((this.#times[0] ?? since) < since) this.#times.shift();
  }
}
