/** Watches a stream's output and counts frames that are missing, by media time: a slow network or reader changes nothing. */
import { Mp4Demuxer } from "../../src/engine/source/mp4/demux.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";

/** Ticks of media time a second. */
const RATE = 90_000;

/** Reads the fMP4 output of a stream at a steady rate. */
export class FrameWatch implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  readonly #interval: number;
  #last: number | null = null;
  #frames = 0;
  #missing: number[] = [];

  constructor(url: string, fps: number) {
    this.#interval = RATE / fps;
    this.#ended = this.#watch(url).catch(() => {}); // the stream has ended
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

  reset(): void {
    this.#frames = 0;
    this.#missing = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #watch(url: string): Promise<void> {
    const { signal } = this.#stop;
    const demuxer = new Mp4Demuxer();
    for await (const { data, last, arrivedAt } of subscribe({ url }, { signal, known: true })) {
      const packets = demuxer.push(data, arrivedAt);
      if (last) packets.push(...demuxer.endSegment(arrivedAt));
      for (const packet of packets) if (packet.kind === "video") this.#see(packet.pts);
    }
  }

  #see(pts: number): void {
    this.#frames++;
    const steps = this.#last === null ? 1 : Math.round((pts - this.#last) / this.#interval);
    if (steps > 1) this.#missing.push(steps - 1);
    this.#last = pts;
  }
}
