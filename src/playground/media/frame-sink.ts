/**
 * Shows pictures as they are decoded, without media ahead of them: a tenth of a second less than through MediaSource. It has
 * no sound, and takes WebCodecs and a track that a page can write to: Chromium, for pages of this machine or over HTTPS.
 */
import type { Mp4Track } from "./mp4-boxes.ts";
import type { Mp4Piece } from "./mp4-pieces.ts";
import { samplesOf, type TrackSample } from "./mp4-samples.ts";
import { Playout } from "./playout.ts";
import type { Sink } from "./sink.ts";

/** An extension of WebRTC that Chromium offers in pages; TypeScript's DOM library does not have it. */
declare class MediaStreamTrackGenerator extends MediaStreamTrack {
  constructor(init: { kind: "video" });
  readonly writable: WritableStream<VideoFrame>;
}

/** Decoded pictures that wait to be shown; the oldest is shown early for one more. A hidden page's timers are late. */
const MAX_WAITING = 12;
/** Pictures in the decoder. With more of them the machine is too slow, and what follows is left out up to a key frame. */
const MAX_IN_DECODER = 20;
/** A decoder that gives no picture for so many has failed without a word. */
const MAX_WITHOUT_PICTURE = 90;

interface Waiting {
  readonly frame: VideoFrame;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class FrameSink implements Sink {
  readonly #video: HTMLVideoElement;
  readonly #generator = new MediaStreamTrackGenerator({ kind: "video" });
  readonly #writer = this.#generator.writable.getWriter();
  readonly #decoder: VideoDecoder;
  readonly #playout = new Playout();
  readonly #waiting: Waiting[] = [];
  #track: Mp4Track;
  #needsKey = true;
  #withoutPicture = 0;
  #failure: Error | null = null;
  /** Media times in microseconds. */
  #newest: number | null = null;
  #shown: number | null = null;

  private constructor(video: HTMLVideoElement, track: Mp4Track, config: VideoDecoderConfig) {
    this.#video = video;
    this.#track = track;
    this.#decoder = new VideoDecoder({
      output: (frame) => this.#decoded(frame),
      error: (error) => {
        this.#failure = error;
      },
    });
    this.#decoder.configure(config);
    video.srcObject = new MediaStream([this.#generator]);
  }

  /** Attaches to the element; null if this browser has no such way of playing these tracks. */
  static async open(
    video: HTMLVideoElement,
    tracks: readonly Mp4Track[],
  ): Promise<FrameSink | null> {
    const [track, ...more] = tracks;
    if (track === undefined || more.length > 0 || !hasGenerator) return null;
    const config = configOf(track);
    if (config === null) return null;
    const { supported } = await VideoDecoder.isConfigSupported(config);
    return supported === true ? new FrameSink(video, track, config) : null;
  }

  accepts([track, ...more]: readonly Mp4Track[]): boolean {
    if (track === undefined || more.length > 0 || this.#decoder.state === "closed") return false;
    const config = configOf(track);
    if (config === null) return false;
    const before = this.#track;
    this.#track = track;
    if (samePicture(before, track)) return true;
    this.#decoder.configure(config);
    this.#needsKey = true;
    return true;
  }

  async take(pieces: readonly Mp4Piece[]): Promise<void> {
    for (const piece of pieces) {
      if (piece.kind === "init") continue;
      for (const sample of samplesOf(piece.bytes, this.#track)) this.#decode(sample);
    }
    if (this.#failure !== null) throw this.#failure;
    if (this.#withoutPicture > MAX_WITHOUT_PICTURE)
      throw new Error("the decoder gives no pictures");
    if (this.#video.paused) this.#video.play().catch(() => {}); // the page is hidden: the next picture retries
  }

  get behind(): number | null {
    if (this.#newest === null || this.#shown === null) return null;
    return Math.max(0, (this.#newest - this.#shown) / 1e6);
  }

  close(): void {
    for (const { frame, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      frame.close();
    }
    if (this.#decoder.state !== "closed") this.#decoder.close();
    this.#generator.stop();
    this.#video.srcObject = null;
  }

  #decode({ data, time, isKey }: TrackSample): void {
    this.#withoutPicture++;
    this.#needsKey ||= this.#decoder.decodeQueueSize > MAX_IN_DECODER;
    if (this.#needsKey && !isKey) return;
    this.#needsKey = false;
    this.#newest = time;
    if (this.#decoder.state !== "configured") return; // `take` throws the reason
    const type = isKey ? "key" : "delta";
    this.#decoder.decode(new EncodedVideoChunk({ type, timestamp: time, data }));
  }

  #decoded(frame: VideoFrame): void {
    this.#withoutPicture = 0;
    const now = performance.now();
    const wait = this.#playout.due(frame.timestamp / 1000, now) - now;
    if (wait < 1 && this.#waiting.length === 0) {
      this.#show(frame);
      return;
    }
    const timer = setTimeout(() => this.#showNext(), wait);
    this.#waiting.push({ frame, timer });
    if (this.#waiting.length > MAX_WAITING) this.#showNext();
  }

  #showNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    clearTimeout(next.timer);
    this.#show(next.frame);
  }

  #show(frame: VideoFrame): void {
    this.#shown = frame.timestamp;
    this.#writer.write(frame).catch(() => frame.close()); // the sink was closed
  }
}

const hasGenerator = "VideoDecoder" in globalThis && "MediaStreamTrackGenerator" in globalThis;

function configOf({ codec, picture }: Mp4Track): VideoDecoderConfig | null {
  return (
    picture && {
      codec,
      description: picture.avcC,
      displayAspectWidth: picture.width,
      displayAspectHeight: picture.height,
      optimizeForLatency: true,
    }
  );
}

const samePicture = (a: Mp4Track, b: Mp4Track): boolean =>
  JSON.stringify([a.codec, a.picture]) === JSON.stringify([b.codec, b.picture]);
