/** Watches the output of one stream for a whole run: counts its frames, and notes the pauses between them and its size. */
import { Mp4Demuxer } from "../../src/engine/source/mp4/demux.ts";
import { TsDemuxer } from "../../src/engine/source/ts/demux.ts";
import { codedSizeOf } from "../../src/media/coded-size.ts";
import type { CodedSize } from "../../src/media/nal-reader.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { GAP_MS } from "../support/pauses.ts";

/** How long it stays in a segment that is silent: the patience of viewers is no part of a pause. */
const READ_TIMEOUT_MS = 300;

const DEMUXERS = { fmp4: Mp4Demuxer, mpegts: TsDemuxer } as const;

interface Pause {
  readonly from: number;
  readonly to: number;
}

/** All times are `performance.now()`, in milliseconds. */
export class OutputWatch implements AsyncDisposable {
  frames = 0;
  segments = 0;
  /** When the latest frame arrived; null before the first one. */
  lastAt: number | null = null;
  /** Of the latest pictures, before cropping. */
  size: CodedSize | null = null;
  /** Why the output ended, if it has. */
  end: string | null = null;
  #firstAt: number | null = null;
  readonly #pauses: Pause[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(url: string, container: keyof typeof DEMUXERS) {
    this.#ended = this.#read(url, container).then(
      () => this.#over("the channel was closed"),
      (error: unknown) => this.#over(String(error)),
    );
  }

  /** Whether frames arrive at this moment. */
  get flows(): boolean {
    return this.lastAt !== null && performance.now() - this.lastAt <= GAP_MS;
  }

  /** Milliseconds in which frames arrived, pauses excluded. */
  get flowedMs(): number {
    return this.#firstAt === null || this.lastAt === null
      ? 0
      : this.lastAt -
          this.#firstAt -
          this.#pauses.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /** The longest pause that was not over at `since`; 0 without any. */
  longestPause(since: number): number {
    return Math.round(Math.max(0, ...this.#since(since).map(({ from, to }) => to - from)));
  }

  /** How long after `since` the last pause ended that was not over at `since`; 0 without any. */
  resumedAfter(since: number): number {
    return Math.round(Math.max(0, ...this.#since(since).map(({ to }) => to - since)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  /** A pause that goes on counts up to now. */
  #since(since: number): Pause[] {
    const now = performance.now();
    const all =
      this.lastAt === null || this.flows
        ? this.#pauses
        : [...this.#pauses, { from: this.lastAt, to: now }];
    return all.filter(({ to }) => to > since);
  }

  /** Every segment is read by a demuxer of its own, as each can be played alone. */
  async #read(url: string, container: keyof typeof DEMUXERS): Promise<void> {
    const { signal } = this.#stop;
    let demuxer = new DEMUXERS[container]();
    const how = { signal, known: true, maxLag: 30, readTimeoutMs: READ_TIMEOUT_MS };
    for await (const chunk of subscribe({ url }, how)) {
      const { first, last, data, arrivedAt } = chunk;
      if (first) {
        demuxer = new DEMUXERS[container]();
        this.segments++;
      }
      const packets = demuxer.push(data, arrivedAt);
      if (last) packets.push(...demuxer.endSegment(arrivedAt));
      const frames = packets.filter((packet) => packet.kind === "video");
      for (const { codec, data: unit, keyFrame } of frames)
        if (keyFrame) this.size = codedSizeOf(codec, unit) ?? this.size;
      if (frames.length > 0) this.#see(frames.length, arrivedAt);
    }
  }

  #see(frames: number, at: number): void {
    this.frames += frames;
    this.#firstAt ??= at;
    if (this.lastAt !== null && at - this.lastAt > GAP_MS)
      this.#pauses.push({ from: this.lastAt, to: at });
    this.lastAt = at;
  }

  #over(why: string): void {
    if (!this.#stop.signal.aborted) this.end = why;
  }
}
