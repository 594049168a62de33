/** Publishes a clip to a trickle channel in real time, again and again, and replaces segments as a fault says. */

import { quietLibav } from "../../../src/engine/codec/libav.ts";
import { pause } from "../../../src/streams/pause.ts";
import { createChannel, deleteChannel } from "../../../src/trickle/client/channel-requests.ts";
import type { ReadMedia, ReadPacket, ReadTrack } from "../../support/clip-reader.ts";
import { CONTENT_TYPES, muxSegment } from "./feed-muxer.ts";
import type { InputContainer, InputFeed, SegmentMedia, SegmentTransform } from "./input-feed.ts";

/** Media of so many milliseconds is sent together. */
const SLICE_MS = 40;

export interface ClipFeedOptions {
  /** The channel, which is created. */
  readonly url: string;
  readonly container: InputContainer;
  readonly media: ReadMedia;
}

/** A group of pictures and the sound beside it. */
interface Group {
  readonly media: ReadMedia;
  readonly ticks: number;
}

export class ClipFeed implements InputFeed, AsyncDisposable {
  readonly url: string;
  readonly container: InputContainer;
  readonly segmentMs: number;
  readonly #groups: readonly Group[];
  readonly #loopTicks: number;
  readonly #end = new AbortController();
  readonly #running: Promise<void>;
  #transform: SegmentTransform | null = null;
  #sent = 0;

  static async open(options: ClipFeedOptions): Promise<ClipFeed> {
    quietLibav();
    const signal = AbortSignal.timeout(5000);
    await createChannel({ url: options.url }, CONTENT_TYPES[options.container], signal);
    return new ClipFeed(options);
  }

  private constructor({ url, container, media }: ClipFeedOptions) {
    this.url = url;
    this.container = container;
    this.#groups = groupsOf(media);
    this.#loopTicks = this.#groups.reduce((sum, { ticks }) => sum + ticks, 0);
    this.segmentMs = Math.max(...this.#groups.map(({ ticks }) => ticks)) / 90;
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#end.signal.aborted) throw error;
    });
  }

  get sent(): number {
    return this.#sent;
  }

  replace(transform: SegmentTransform): void {
    this.#transform = transform;
  }

  restore(): void {
    this.#transform = null;
  }

  /** Stops sending and ends the channel. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new DOMException("the feed is over", "AbortError"));
    await this.#running;
    await deleteChannel({ url: this.url });
  }

  async #run(): Promise<void> {
    const begun = performance.now();
    let at = 0;
    for (let n = 0; ; n++) {
      const group = this.#groups[n % this.#groups.length];
      if (!group) throw new Error("the clip has no key frame");
      const loops = Math.floor(n / this.#groups.length);
      const parts = this.#segments(group, n, loops * this.#loopTicks);
      const from = begun + at / 90;
      await this.#wait(from);
      for (const [index, bytes] of parts.entries()) {
        const ms = group.ticks / 90 / parts.length;
        await this.#post(bytes, from + index * ms, ms);
      }
      at += group.ticks;
    }
  }

  #segments(group: Group, n: number, shift: number): readonly Uint8Array[] {
    const media = moved(group.media, shift);
    const source: SegmentMedia = {
      media,
      mux: (changed, container = this.container) => muxSegment(changed, container),
    };
    const bytes = source.mux(media);
    return this.#transform ? (this.#transform(bytes, n, source) ?? []) : [bytes];
  }

  /** One segment, evenly over `ms`. A server may refuse what a fault sends; the next segment goes to the next number. */
  async #post(bytes: Uint8Array, from: number, ms: number): Promise<void> {
    const slices = this.#slices(bytes, from, ms);
    const body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { done, value } = await slices.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      },
      { highWaterMark: 0 },
    );
    const { status } = await fetch(`${this.url}/${this.#sent++}`, {
      method: "POST",
      body,
      headers: { "content-type": CONTENT_TYPES[this.container], connection: "close" },
      signal: this.#end.signal,
      timeout: false,
    });
    if (status === 404) throw new Error("the channel of the input is gone");
  }

  async *#slices(bytes: Uint8Array, from: number, ms: number): AsyncGenerator<Uint8Array, void> {
    const count = Math.max(1, Math.round(ms / SLICE_MS));
    for (let slice = 0; slice < count; slice++) {
      await this.#wait(from + (slice * ms) / count);
      const start = Math.round((bytes.length * slice) / count);
      const end = Math.round((bytes.length * (slice + 1)) / count);
      if (end > start) yield bytes.subarray(start, end);
    }
  }

  /** Until `performance.now()` is `at`; throws when the feed is over. */
  async #wait(at: number): Promise<void> {
    await pause(Math.max(0, at - performance.now()), this.#end.signal);
    this.#end.signal.throwIfAborted();
  }
}

/** The clip cut before each of its key frames. */
function groupsOf({ video, audio }: ReadMedia): Group[] {
  if (!video) throw new Error("the clip has no video");
  const { packets } = video;
  const [first, second] = packets;
  if (!first || !second) throw new Error("the clip has less than two pictures");
  const starts = packets.filter(({ keyFrame }) => keyFrame).map(({ dts }) => dts);
  const end = (packets.at(-1)?.dts ?? 0) + second.dts - first.dts;
  return starts.map((start, index) => {
    const next = starts[index + 1] ?? end;
    const part = (track: ReadTrack): ReadTrack => ({
      ...track,
      packets: track.packets.filter(
        ({ dts }) => (index === 0 || dts >= start) && (next === end || dts < next),
      ),
    });
    return { ticks: next - start, media: { video: part(video), audio: audio && part(audio) } };
  });
}

/** The media so much later. */
export function moved({ video, audio }: ReadMedia, by: number): ReadMedia {
  const later = (packet: ReadPacket): ReadPacket => ({
    ...packet,
    pts: packet.pts + by,
    dts: packet.dts + by,
  });
  const track = (each: ReadTrack | null): ReadTrack | null =>
    each && { ...each, packets: each.packets.map(later) };
  return { video: track(video), audio: track(audio) };
}
