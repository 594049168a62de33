/** Decodes access units into frames. */
import { WorkerError } from "../../errors.ts";
import type { VideoCodec, VideoPacket } from "../../media/encoded-packet.ts";
import { ticks } from "../../media/time.ts";
import {
  AV_CODEC_FLAG_LOW_DELAY,
  AV_CODEC_ID_AV1,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AV_PKT_FLAG_KEY,
  Codec,
  CodecContext,
  check,
  Packet,
  Rational,
} from "./libav.ts";
import type { FramePool, Tick, VideoFrame } from "./video-frame.ts";

const DECODERS = {
  h264: AV_CODEC_ID_H264,
  hevc: AV_CODEC_ID_HEVC,
  vp8: AV_CODEC_ID_VP8,
  vp9: AV_CODEC_ID_VP9,
  av1: AV_CODEC_ID_AV1,
} as const satisfies Record<VideoCodec, number>;

/** Names of the codecs that this FFmpeg decodes, for `doctor`. */
export const decodableCodecs = (): string[] =>
  Object.entries(DECODERS)
    .filter(([, id]) => Codec.findDecoder(id) !== null)
    .map(([name]) => name);

/** Packets that may be inside a decoder: H.264 and H.265 reorder 16 pictures, of two fields each, behind the newest. */
const MAX_INSIDE = 34;

export interface VideoDecoderOptions {
  readonly pool: FramePool;
  /** Pictures with more pixels are not decoded. */
  readonly maxPixels: number;
}

/**
 * One open decoder. Calls must not overlap. Frames come in presentation order and belong to the caller.
 * A damaged packet costs frames and never throws.
 */
export class VideoDecoder implements Disposable {
  readonly codec: VideoCodec;
  readonly maxPixels: number;
  readonly #context: CodecContext;
  readonly #packet = new Packet();
  readonly #pool: FramePool;
  /** The packets whose frames have not come out, in decode order. Two may have the same pts. */
  readonly #inside: Tick[] = [];
  #lost = 0;

  /** Throws `unsupported_media` if this FFmpeg has no decoder for the codec. */
  constructor(codec: VideoCodec, { pool, maxPixels }: VideoDecoderOptions) {
    const decoder = Codec.findDecoder(DECODERS[codec]);
    if (!decoder) throw withoutDecoder(codec);
    this.codec = codec;
    this.maxPixels = maxPixels;
    this.#pool = pool;
    this.#context = new CodecContext();
    this.#context.allocContext3(decoder);
    this.#context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
    this.#context.threadCount = 1;
    this.#context.pktTimebase = new Rational(1, 90_000);
    try {
      check(this.#context.setOption("max_pixels", String(maxPixels)), "limit the decoder");
      check(this.#context.open2Sync(decoder), `open the ${codec} decoder`);
    } catch (error) {
      this.#context.freeContext();
      throw error;
    }
    this.#packet.alloc();
  }

  /** Packets, since the last call, whose frame will not come out. Each packet that is not hidden gives one frame or is lost. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Returns the frames that this packet completes: none while the decoder reorders. */
  async decode(packet: VideoPacket): Promise<VideoFrame[]> {
    this.#enter(packet);
    this.#packet.data = Buffer.from(packet.data.buffer, packet.data.byteOffset, packet.data.length);
    this.#packet.pts = BigInt(packet.pts);
    this.#packet.dts = BigInt(packet.dts);
    this.#packet.flags = (packet.keyFrame ? AV_PKT_FLAG_KEY : 0) as typeof AV_PKT_FLAG_KEY;
    // Part of a picture that it complains about may be usable: whether it is lost shows later.
    await this.#context.sendPacket(this.#packet);
    this.#packet.unref();
    return this.#receive();
  }

  /** Returns the frames that the decoder still holds, at the end of the stream. */
  async flush(): Promise<VideoFrame[]> {
    await this.#context.sendPacket(null);
    const frames = this.#receive();
    this.abandon(0);
    return frames;
  }

  /** Counts what is inside as lost, and `frames` that came out and cannot be used. */
  abandon(frames: number): void {
    this.#lost += this.#inside.length + frames;
    this.#inside.length = 0;
  }

  #enter({ pts, arrivedAt, hidden }: VideoPacket): void {
    if (hidden) return;
    this.#inside.push({ pts, arrivedAt });
    if (this.#inside.length <= MAX_INSIDE) return;
    this.#inside.shift();
    this.#lost++;
  }

  /** Takes the packet that a frame came from; null if its packet has given a frame already, or is lost. */
  #leave(pts: number): Tick | null {
    const index = this.#inside.findIndex((packet) => packet.pts === pts);
    return index < 0 ? null : (this.#inside.splice(index, 1)[0] ?? null);
  }

  /** The work was done when the packet was sent: no thread is needed to take the frames. */
  #receive(): VideoFrame[] {
    const frames: VideoFrame[] = [];
    for (;;) {
      const native = this.#pool.take();
      if (this.#context.receiveFrameSync(native) < 0) {
        this.#pool.giveBack(native);
        return frames;
      }
      const packet = this.#leave(Number(native.pts));
      if (!packet) {
        this.#pool.giveBack(native);
        continue;
      }
      // Where many timestamps are wrong, FFmpeg takes the decoding times instead.
      const pts = ticks(Number(native.bestEffortTimestamp));
      frames.push(this.#pool.adopt(native, { pts, arrivedAt: packet.arrivedAt }));
    }
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#context.freeContext();
  }
}

const withoutDecoder = (codec: VideoCodec): WorkerError =>
  new WorkerError(
    "unsupported_media",
    `the input's video is ${codec}, for which this build of FFmpeg has no decoder: send ${decodableCodecs().join(", ")}`,
  );
