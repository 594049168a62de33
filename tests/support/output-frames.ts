/** Reads a stream's fMP4 output while it is made: when each frame arrived, and afterwards what it shows. */
import { Mp4Demuxer } from "../../src/engine/source/mp4/demux.ts";
import { subscribe } from "../../src/trickle/client/subscriber.ts";
import { decodePictures } from "./clip-reader.ts";

export interface DecodedFrame {
  /** In 90 kHz ticks. */
  readonly pts: number;
  /** Of the picture, one byte a pixel. */
  readonly luma: Uint8Array;
}

const FROM_THE_START = { start: 0, maxLag: 1000 };

/** Reads from its construction until the channel has ended. */
export class OutputFrames implements Disposable {
  /** Settles when the channel has ended. */
  readonly ended: Promise<void>;
  /** The segments, each a file of its own. */
  readonly segments: Uint8Array[] = [];
  /** Segments that broke off. */
  broken = 0;
  #count = 0;
  readonly #stop = new AbortController();

  constructor(url: string) {
    this.ended = this.#read(url);
    this.ended.catch(() => {}); // for who awaits it
  }

  /** Reads no further. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  /** Frames that have arrived so far. */
  get count(): number {
    return this.#count;
  }

  /** Every frame, in order. Each segment is decoded alone. */
  async decode(): Promise<DecodedFrame[]> {
    const frames: DecodedFrame[] = [];
    for (const segment of this.segments) {
      const { video } = await decodePictures(segment);
      for (const { pts, luma, corrupt } of video?.frames ?? []) {
        if (corrupt || luma === null) throw new Error(`the frame at ${pts} is damaged`);
        frames.push({ pts, luma });
      }
    }
    return frames;
  }

  async #read(url: string): Promise<void> {
    const demuxer = new Mp4Demuxer();
    let parts: Uint8Array[] = [];
    for await (const chunk of subscribe(
      { url },
      { ...FROM_THE_START, signal: this.#stop.signal },
    )) {
      if (chunk.first) parts = [];
      parts.push(chunk.data);
      const packets = demuxer.push(chunk.data, chunk.arrivedAt);
      if (chunk.last) packets.push(...demuxer.endSegment(chunk.arrivedAt));
      this.#count += packets.filter(({ kind }) => kind === "video").length;
      if (!chunk.last) continue;
      if (chunk.complete) this.segments.push(Buffer.concat(parts));
      else this.broken++;
    }
  }
}
