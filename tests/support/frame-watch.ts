/**
 * Watches a stream's output: counts frames that are missing, by media time, which a slow network or reader does not change,
 * and notes when each frame arrived.
 */
import type { Demuxer } from "../../src/engine/source/demuxer.ts";
import { Mp4Demuxer } from "../../src/engine/source/mp4/demux.ts";
import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { gapsOf } from "./pauses.ts";

/** Ticks of media time a second. */
const RATE = 90_000;

export interface FrameWatchOptions {
  /** Default: fmp4. */
  readonly container?: "fmp4" | "mpegts";
  /** As of `subscribe`: when a segment that fell silent is left. */
  readonly readTimeoutMs?: number;
}

/** Reads the output of a stream at a steady rate. */
export class FrameWatch implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  readonly #interval: number;
  readonly #demuxer: Demuxer;
  #since = performance.now();
  #last: number | null = null;
  #frames = 0;
  #missing: number[] = [];
  #arrivals: number[] = [];

  constructor(url: string, fps: number, options: FrameWatchOptions = {}) {
    const { container = "fmp4", ...reading } = options;
    this.#interval = RATE / fps;
    this.#demuxer = container === "fmp4" ? new Mp4Demuxer() : new TsDemuxer();
    this.#ended = this.#watch(url, reading).catch(() => {}); // the stream has ended
  }

  /** Frames seen since the last `reset`. */
  get frames(): number {
    return this.#frames;
  }

  /** The largest number of frames that were missing in a row since the last `reset`. */
  get worst(): number {
    return Math.max(0, ...this.#missing);
  }

  /** Frames that were missing since the last `reset`, in all. */
  get missing(): number {
    return this.#missing.reduce((sum, each) => sum + each, 0);
  }

  /** `performance.now()` of each frame's arrival since the last `reset`, after that of the frame before it. */
  get arrivals(): readonly number[] {
    return this.#arrivals;
  }

  /** Milliseconds of each pause that counts as a gap since the last `reset`; one that goes on counts up to now. */
  get gaps(): readonly number[] {
    return gapsOf(this.#arrivals, this.#since, performance.now());
  }

  reset(): void {
    this.#since = performance.now();
    this.#frames = 0;
    this.#missing = [];
    this.#arrivals = this.#arrivals.slice(-1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #watch(url: string, reading: Omit<FrameWatchOptions, "container">): Promise<void> {
    const options = { signal: this.#stop.signal, known: true, ...reading };
    const demuxer = this.#demuxer;
    for await (const { data, last, complete, arrivedAt } of subscribe({ url }, options)) {
      const packets = demuxer.push(data, arrivedAt);
      if (last && complete) packets.push(...demuxer.endSegment(arrivedAt));
      else if (last) demuxer.breakSegment();
      for (const packet of packets) if (packet.kind === "video") this.#see(packet.pts, arrivedAt);
    }
  }

  #see(pts: number, arrivedAt: number): void {
    this.#frames++;
    this.#arrivals.push(arrivedAt);
    const steps = this.#last === null ? 1 : Math.round((pts - this.#last) / this.#interval);
    if (steps > 1) this.#missing.push(steps - 1);
    this.#last = pts;
  }
}
