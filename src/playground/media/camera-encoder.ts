/** Hides WebCodecs: a camera's frames become segments of fragmented MP4, each of which decodes alone. */

import { join } from "./mp4-pieces.ts";
import { fragment, initSegment, type Mp4Sample } from "./mp4-writer.ts";

/** A segment is sent when it is whole: its length is latency, a key frame in each the price. */
const FRAMES_IN_SEGMENT = 5;
/** Frames that may wait in the encoder; more are left out. */
const MAX_WAITING = 3;
const BITS_PER_PIXEL = 0.2;
/** Baseline, level 3.1: up to 1280 × 720, and every decoder there is. */
const CODEC = "avc1.42e01f";

export interface CameraFormat {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
}

type Segment = Uint8Array<ArrayBuffer>;

/** Encodes what it is given; `made` is told each segment, `failed` once if the encoder gives up. */
export class CameraEncoder {
  readonly #encoder: VideoEncoder;
  readonly #made: (segment: Segment) => void;
  #init: Segment | null = null;
  #samples: Mp4Sample[] = [];
  #given = 0;
  #sequence = 0;
  #lastTime: number | null = null;
  #interval: number;

  constructor(
    format: CameraFormat,
    made: (segment: Segment) => void,
    failed: (error: Error) => void,
  ) {
    this.#made = made;
    this.#interval = Math.round(1_000_000 / format.frameRate);
    const config = encoderConfig(format);
    this.#encoder = new VideoEncoder({
      output: (chunk, metadata) => {
        const avcC = metadata?.decoderConfig?.description;
        if (avcC !== undefined)
          this.#init = initSegment(config.width, config.height, bytesOf(avcC));
        this.#take(chunk);
      },
      error: failed,
    });
    this.#encoder.configure(config);
  }

  /** Takes the frame over. */
  encode(frame: VideoFrame): void {
    if (this.#encoder.state === "configured" && this.#encoder.encodeQueueSize < MAX_WAITING) {
      const keyFrame = this.#given++ % FRAMES_IN_SEGMENT === 0;
      this.#encoder.encode(frame, { keyFrame });
    }
    frame.close();
  }

  close(): void {
    if (this.#encoder.state !== "closed") this.#encoder.close();
  }

  #take(chunk: EncodedVideoChunk): void {
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    const time = chunk.timestamp;
    const last = this.#samples.at(-1);
    if (last !== undefined)
      this.#samples[this.#samples.length - 1] = { ...last, duration: time - last.time };
    if (this.#lastTime !== null) this.#interval = time - this.#lastTime;
    this.#lastTime = time;
    const keyFrame = chunk.type === "key";
    this.#samples.push({ data, time, duration: this.#interval, keyFrame });
    if (this.#samples.length < FRAMES_IN_SEGMENT) return;
    const samples = this.#samples;
    this.#samples = [];
    if (this.#init !== null) this.#made(join([this.#init, fragment(this.#sequence++, samples)]));
  }
}

/** Whether this browser encodes what a camera gives; cameras of an odd size are cut by a pixel. */
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

const bytesOf = (source: AllowSharedBufferSource): Uint8Array =>
  ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
