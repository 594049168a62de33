/** Encodes a camera with WebCodecs into segments of fragmented MP4, each of which decodes alone. */
import type { MicrophoneEncoder } from "./microphone-encoder.ts";
import { join } from "./mp4-pieces.ts";
import { fragment, initSegment, type Mp4Format, type Mp4Sample } from "./mp4-writer.ts";
import { bytesOf, PageTime } from "./webcodecs.ts";

/**
 * Browsers send a request's body only when it is complete, except over HTTP/2: a segment's length is latency, and a key
 * frame in each is the price of short ones.
 */
const FRAMES_IN_SEGMENT = 3;
/** Segments without sound before a silent microphone is given up; it starts a little later than the camera. */
const MAX_AWAITING_SOUND = 6;
/** Frames that may wait in the encoder; more are left out. */
const MAX_WAITING = 3;
const BITS_PER_PIXEL = 0.2;
/** Baseline, level 3.1: up to 1280 × 720, and every decoder reads it. */
const CODEC = "avc1.42e01f";

export interface CameraFormat {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
}

type Segment = Uint8Array<ArrayBuffer>;

/** Calls `onSegment` with each segment, and `onFailure` once if the encoder fails. */
export class CameraEncoder {
  readonly #encoder: VideoEncoder;
  readonly #config: ReturnType<typeof encoderConfig>;
  readonly #onSegment: (segment: Segment) => void;
  readonly #time = new PageTime();
  #sound: MicrophoneEncoder | null;
  #picture: Mp4Format | null = null;
  #samples: Mp4Sample[] = [];
  #encoded = 0;
  #fragments = 0;
  #awaitingSound = 0;
  #lastTime: number | null = null;
  #interval: number;

  /** `sound` is closed with the camera's encoder. */
  constructor(
    format: CameraFormat,
    sound: MicrophoneEncoder | null,
    onSegment: (segment: Segment) => void,
    onFailure: (error: Error) => void,
  ) {
    this.#onSegment = onSegment;
    this.#sound = sound;
    this.#interval = Math.round(1_000_000 / format.frameRate);
    this.#config = encoderConfig(format);
    this.#encoder = new VideoEncoder({
      output: (chunk, metadata) => this.#take(chunk, metadata?.decoderConfig?.description),
      error: onFailure,
    });
    this.#encoder.configure(this.#config);
  }

  /** Encodes and closes `frame`; leaves it out while the encoder is behind. */
  encode(frame: VideoFrame): void {
    this.#time.anchor(frame.timestamp);
    if (this.#encoder.state === "configured" && this.#encoder.encodeQueueSize < MAX_WAITING) {
      const keyFrame = this.#encoded++ % FRAMES_IN_SEGMENT === 0;
      this.#encoder.encode(frame, { keyFrame });
    }
    frame.close();
  }

  close(): void {
    if (this.#encoder.state !== "closed") this.#encoder.close();
    this.#sound?.close();
  }

  #take(chunk: EncodedVideoChunk, avcC: AllowSharedBufferSource | undefined): void {
    const { width, height } = this.#config;
    if (avcC !== undefined) this.#picture = { kind: "video", width, height, avcC: bytesOf(avcC) };
    const time = this.#time.of(chunk.timestamp);
    const last = this.#samples.at(-1);
    if (last !== undefined)
      this.#samples[this.#samples.length - 1] = { ...last, duration: time - last.time };
    if (this.#lastTime !== null) this.#interval = time - this.#lastTime;
    this.#lastTime = time;
    const keyFrame = chunk.type === "key";
    this.#samples.push({ data: bytesOf(chunk), time, duration: this.#interval, keyFrame });
    if (this.#samples.length < FRAMES_IN_SEGMENT) return;
    const pictures = this.#samples;
    this.#samples = [];
    const sound = this.#sound?.take() ?? [];
    if (this.#soundIsReady() && this.#picture !== null)
      this.#onSegment(this.#segment(this.#picture, pictures, sound));
  }

  /** The first segment says which tracks there are, so it waits for the microphone, though not for ever. */
  #soundIsReady(): boolean {
    if (this.#sound === null || this.#sound.format !== null) return true;
    if (++this.#awaitingSound <= MAX_AWAITING_SOUND) return false;
    this.#sound.close();
    this.#sound = null;
    return true;
  }

  #segment(picture: Mp4Format, pictures: Mp4Sample[], sound: Mp4Sample[]): Segment {
    const microphone = this.#sound?.format ?? null;
    const tracks = microphone === null ? [picture] : [picture, microphone];
    const runs = [pictures, sound].filter((samples) => samples.length > 0);
    return join([
      initSegment(tracks),
      ...runs.map((samples) => fragment(this.#fragments++, samples === pictures ? 1 : 2, samples)),
    ]);
  }
}

/** Whether this browser encodes what the camera delivers; cameras of an odd size are cropped by a pixel. */
export async function canEncode(format: CameraFormat): Promise<boolean> {
  const { supported } = await VideoEncoder.isConfigSupported(encoderConfig(format));
  return supported === true;
}

function encoderConfig({ width, height, frameRate }: CameraFormat) {
  const even = (length: number): number => length & ~1;
  return {
    codec: CODEC,
    width: even(width),
    height: even(height),
    bitrate: Math.round(width * height * frameRate * BITS_PER_PIXEL),
    framerate: frameRate,
    latencyMode: "realtime",
    avc: { format: "avc" },
  } satisfies VideoEncoderConfig;
}
