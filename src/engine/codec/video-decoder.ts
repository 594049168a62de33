/** Access units in, frames out. */
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
  AVERROR_EAGAIN,
  AVERROR_EOF,
  Codec,
  CodecContext,
  check,
  Frame,
  Packet,
  Rational,
} from "./libav.ts";
import type { FramePool, VideoFrame } from "./video-frame.ts";

const DECODERS = {
  h264: AV_CODEC_ID_H264,
  hevc: AV_CODEC_ID_HEVC,
  vp8: AV_CODEC_ID_VP8,
  vp9: AV_CODEC_ID_VP9,
  av1: AV_CODEC_ID_AV1,
} as const satisfies Record<VideoCodec, number>;

/** The codecs that this FFmpeg decodes, for `doctor`. */
export const decodableCodecs = (): string[] =>
  Object.entries(DECODERS)
    .filter(([, id]) => Codec.findDecoder(id) !== null)
    .map(([name]) => name);

/** Arrival times remembered for frames that a decoder reorders; B-frames need a few. */
const REORDER_DEPTH = 64;

/**
 * One open decoder. Calls must not overlap. A damaged packet costs frames, never an exception:
 * `errors` counts them. Frames come in presentation order and belong to the caller.
 */
export class VideoDecoder implements Disposable {
  readonly codec: VideoCodec;
  readonly #context: CodecContext;
  readonly #packet = new Packet();
  readonly #pool: FramePool;
  readonly #arrivals = new Map<number, number>();
  #errors = 0;

  /** Throws if this FFmpeg has no decoder for the codec. */
  constructor(codec: VideoCodec, pool: FramePool) {
    const decoder = Codec.findDecoder(DECODERS[codec]);
    if (!decoder) throw new Error(`no decoder for ${codec}`);
    this.codec = codec;
    this.#pool = pool;
    this.#context = new CodecContext();
    this.#context.allocContext3(decoder);
    this.#context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
    this.#context.threadCount = 1;
    this.#context.pktTimebase = new Rational(1, 90_000);
    check(this.#context.open2Sync(decoder), `open the ${codec} decoder`);
    this.#packet.alloc();
  }

  /** Packets that could not be decoded. */
  get errors(): number {
    return this.#errors;
  }

  /** The frames this packet completes: none while the decoder waits for a reference. */
  async decode(packet: VideoPacket): Promise<VideoFrame[]> {
    this.#arrivals.set(packet.pts, packet.arrivedAt);
    if (this.#arrivals.size > REORDER_DEPTH) {
      for (const oldest of this.#arrivals.keys()) {
        this.#arrivals.delete(oldest);
        break;
      }
    }
    this.#packet.data = Buffer.from(packet.data.buffer, packet.data.byteOffset, packet.data.length);
    this.#packet.pts = BigInt(packet.pts);
    this.#packet.dts = BigInt(packet.dts);
    this.#packet.flags = (packet.keyFrame ? AV_PKT_FLAG_KEY : 0) as typeof AV_PKT_FLAG_KEY;
    if ((await this.#context.sendPacket(this.#packet)) < 0) this.#errors++;
    this.#packet.unref();
    return this.#receive();
  }

  /** What the decoder still holds, at the end of the stream. */
  async flush(): Promise<VideoFrame[]> {
    await this.#context.sendPacket(null);
    return this.#receive();
  }

  /** Sending did the work: taking the frames is not worth a thread's turn. */
  #receive(): VideoFrame[] {
    const frames: VideoFrame[] = [];
    for (;;) {
      const native = new Frame();
      native.alloc();
      const code = this.#context.receiveFrameSync(native);
      if (code < 0) {
        native.free();
        if (code !== AVERROR_EAGAIN && code !== AVERROR_EOF) this.#errors++;
        return frames;
      }
      const pts = ticks(Number(native.bestEffortTimestamp));
      const arrivedAt = this.#arrivals.get(pts) ?? performance.now();
      this.#arrivals.delete(pts);
      frames.push(this.#pool.adopt(native, { pts, arrivedAt }));
    }
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#context.freeContext();
  }
}
