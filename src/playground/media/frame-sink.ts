/**
 * Decodes in the page and shows each picture at once, without the media ahead that MediaSource needs. Has no sound; requires
 * WebCodecs and MediaStreamTrackGenerator: Chromium, for pages of this machine or over HTTPS.
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

/** Maximum of decoded pictures waiting; beyond it the oldest is shown early. Some decoders stop when more are held. */
const MAX_WAITING = 6;
/** Samples in the decoder, beyond which no more are taken. */
const MAX_IN_DECODER = 20;
/** Samples without a picture, and time without taking a sample, after which the decoder counts as failed. */
const MAX_WITHOUT_PICTURE = 90;
const STUCK_MS = 3000;

/** The decoder cannot go on; another one would probably fail as well. */
export class DecoderFailed extends Error {
  override readonly name = "DecoderFailed";
}

interface Waiting {
  readonly frame: VideoFrame;
  /** `performance.now()` when it is to be shown. */
  readonly due: number;
}

export class FrameSink implements Sink {
  readonly #video: HTMLVideoElement;
  readonly #generator = new MediaStreamTrackGenerator({ kind: "video" });
  readonly #writer = this.#generator.writable.getWriter();
  readonly #stream = new MediaStream([this.#generator]);
  readonly #decoder: VideoDecoder;
  readonly #playout = new Playout();
  readonly #waiting: Waiting[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #track: Mp4Track;
  #needsKey = true;
  #withoutPicture = 0;
  #failure: DOMException | null = null;
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
    video.srcObject = this.#stream;
  }

  /** Attaches to the element; null if this browser cannot play these tracks in this way. */
  static async open(
    video: HTMLVideoElement,
    tracks: readonly Mp4Track[],
  ): Promise<FrameSink | null> {
    const [track, ...more] = tracks;
    if (track === undefined || more.length > 0 || !hasGenerator) return null;
    const config = configOf(track);
    if (config === null) return null;
    const { supported } = await VideoDecoder.isConfigSupported(config).catch(() => UNSUPPORTED);
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

  /** Throws DecoderFailed. */
  async take(pieces: readonly Mp4Piece[]): Promise<void> {
    for (const piece of pieces) {
      if (piece.kind === "init") continue;
      for (const sample of samplesOf(piece.bytes, this.#track)) {
        if (this.#decoder.decodeQueueSize > MAX_IN_DECODER) await this.#dequeued();
        this.#assertWell();
        this.#decode(sample);
      }
    }
    this.#assertWell();
    if (this.#video.paused) this.#video.play().catch(() => {}); // the page is hidden: the next picture retries
  }

  get behind(): number | null {
    if (this.#newest === null || this.#shown === null) return null;
    return Math.max(0, (this.#newest - this.#shown) / 1e6);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { frame } of this.#waiting.splice(0)) frame.close();
    if (this.#decoder.state !== "closed") this.#decoder.close();
    this.#generator.stop();
    if (this.#video.srcObject === this.#stream) this.#video.srcObject = null;
  }

  /** Resolves when the decoder has taken a sample, has failed, or is stuck. */
  async #dequeued(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#withoutPicture = Number.POSITIVE_INFINITY;
      resolve();
    }, STUCK_MS);
    this.#decoder.addEventListener("dequeue", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }

  /** A browser that takes its decoder back has not failed: the next one works. */
  #assertWell(): void {
    if (this.#failure?.name === "QuotaExceededError") throw this.#failure;
    if (this.#failure !== null) throw new DecoderFailed(this.#failure.message);
    if (this.#withoutPicture > MAX_WITHOUT_PICTURE)
      throw new DecoderFailed("the decoder gives no pictures");
    if (this.#decoder.state !== "configured") throw new Error("the sink was closed");
  }

  #decode({ data, time, isKey }: TrackSample): void {
    if (this.#needsKey && !isKey) return;
    this.#needsKey = false;
    this.#newest = time;
    this.#withoutPicture++;
    const type = isKey ? "key" : "delta";
    this.#decoder.decode(new EncodedVideoChunk({ type, timestamp: time, data }));
  }

  #decoded(frame: VideoFrame): void {
    this.#withoutPicture = 0;
    const due = this.#playout.due(frame.timestamp / 1000, performance.now());
    this.#waiting.push({ frame, due });
    this.#showDue();
  }

  /** Shows the pictures whose time has come, and comes back for the next one. */
  #showDue(): void {
    clearTimeout(this.#timer);
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const wait = next.due - performance.now();
      if (wait >= 1 && this.#waiting.length <= MAX_WAITING) {
        this.#timer = setTimeout(() => this.#showDue(), wait);
        return;
      }
      this.#waiting.shift();
      this.#show(next.frame);
    }
  }

  #show(frame: VideoFrame): void {
    this.#shown = frame.timestamp;
    this.#writer.write(frame).catch(() => frame.close()); // the sink was closed
  }
}

const hasGenerator = "VideoDecoder" in globalThis && "MediaStreamTrackGenerator" in globalThis;

const UNSUPPORTED: VideoDecoderSupport = { supported: false };

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
