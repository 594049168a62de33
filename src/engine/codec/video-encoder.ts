/** Encodes frames as H.264 with libx264, which returns one packet for each frame without delay. */

import { getLogger } from "../../log.ts";
import type { EncodedVideo, VideoFormat } from "../../media/encoded-packet.ts";
import { TICKS_PER_SECOND } from "../../media/time.ts";
import type { Size } from "../protocol/work.ts";
import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_BT709,
  Codec,
  CodecContext,
  check,
  Packet,
  Rational,
} from "./libav.ts";
import type { VideoFrame } from "./video-frame.ts";

/** Constant quality if no bitrate is requested: good to look at, and small. */
const CRF = 23;
/** Limit at constant quality, in bits per pixel and second: 6 Mbit/s at 512², so that one busy picture cannot stall a link. */
const MAX_BITS_PER_PIXEL = 24;
/**
 * Pictures from this size on are encoded as two slices by two threads: where a core is free that takes two thirds of the time
 * (17 ms in place of 24 at 1080p), for 1 to 2 % more bits. Smaller ones gain little, and two full cores carry fewer of them.
 */
const SLICED_PIXELS = 1280 * 720;
export const encodingThreads = ({ width, height }: Size): 1 | 2 =>
  width * height < SLICED_PIXELS ? 1 : 2;

/** The encoder's buffer holds a second, but no more than this: no picture is larger, and a segment must hold one. */
const MAX_BUFFER_BITS = 40_000_000;

export interface VideoEncoderOptions {
  readonly size: Size;
  /** In bits a second; absent: constant quality. */
  readonly bitrate?: number;
  /** Baseline is read by every decoder, also by browsers over WebRTC (protocol.md 6.2); absent: the encoder's choice. */
  readonly profile?: "baseline";
}

const log = getLogger("encode");

const findEncoder = (): Codec | null => Codec.findEncoderByName("libx264" as never);

/** Whether this FFmpeg can encode H.264, for `doctor`. */
export const hasEncoder = (): boolean => findEncoder() !== null;

/** One open encoder of one size. Calls must not overlap. Frames must be yuv420p of its size and rise in pts. */
export class VideoEncoder implements Disposable {
  readonly options: VideoEncoderOptions;
  readonly #context: CodecContext;
  readonly #packet = new Packet();
  readonly #format: VideoFormat;

  /** Throws if libx264 refuses the size. */
  constructor(options: VideoEncoderOptions) {
    this.options = options;
    this.#context = openContext(options);
    const { width, height } = options.size;
    const parameterSets = new Uint8Array(this.#context.extraData ?? []);
    this.#format = { width, height, parameterSets };
    this.#packet.alloc();
  }

  /** Encodes one frame, which stays the caller's. `key` forces an IDR picture. */
  async encode(frame: VideoFrame, key: boolean): Promise<EncodedVideo> {
    frame.native.pts = BigInt(frame.pts);
    frame.native.pictType = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    check(await this.#context.sendFrame(frame.native), "encode a frame");
    // The work was done when the frame was sent: no thread is needed to take the packet.
    check(this.#context.receivePacketSync(this.#packet), "take an encoded packet");
    const packet: EncodedVideo = {
      kind: "video",
      codec: "h264",
      data: new Uint8Array(this.#packet.data ?? []),
      pts: frame.pts,
      dts: frame.pts,
      keyFrame: this.#packet.isKeyframe,
      arrivedAt: frame.arrivedAt,
      encodedAt: performance.now(),
      format: this.#format,
    };
    this.#packet.unref();
    return packet;
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#context.freeContext();
  }
}

/** Throws if libx264 refuses the size. A process that may start no more threads encodes with one. */
function openContext(options: VideoEncoderOptions): CodecContext {
  const codec = findEncoder();
  if (!codec) throw new Error("this FFmpeg has no libx264");
  const { width, height } = options.size;
  const threads = encodingThreads(options.size);
  if (threads > 1) {
    const sliced = configuredContext(codec, options, threads);
    if (sliced.open2Sync(codec) >= 0) return sliced;
    sliced.freeContext();
  }
  const single = configuredContext(codec, options, 1);
  try {
    check(single.open2Sync(codec), `open libx264 at ${width}x${height}`);
  } catch (error) {
    single.freeContext();
    throw error;
  }
  if (threads > 1) log.warn("encoder has one thread: no other could be started", { width, height });
  return single;
}

function configuredContext(
  codec: Codec,
  { size, bitrate, profile }: VideoEncoderOptions,
  threads: number,
): CodecContext {
  const { width, height } = size;
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = width;
  context.height = height;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  // PictureConverter makes these. Players guess if the stream does not say it, Chromium unless it says all four.
  context.colorPrimaries = AVCOL_PRI_BT709;
  context.colorTrc = AVCOL_TRC_BT709;
  context.colorSpace = AVCOL_SPC_SMPTE170M;
  context.colorRange = AVCOL_RANGE_MPEG;
  context.timeBase = new Rational(1, TICKS_PER_SECOND);
  context.framerate = new Rational(30, 1);
  context.gopSize = 100_000; // key frames are forced, one a segment
  context.maxBFrames = 0;
  context.threadCount = threads;
  context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  const rate = bitrate ?? width * height * MAX_BITS_PER_PIXEL;
  context.rcMaxRate = BigInt(rate);
  context.rcBufferSize = Math.min(rate, MAX_BUFFER_BITS);
  if (bitrate) context.bitRate = BigInt(rate);
  const settings = {
    preset: "superfast",
    tune: "zerolatency",
    "forced-idr": "1",
    sc_threshold: "0",
    // Weighted prediction takes a tenth of the encoder's time (a fifth at 720p) and saves at most 1 % of the bits.
    weightp: "none",
    ...(bitrate ? {} : { crf: String(CRF) }),
    ...(profile && { profile }),
  };
  try {
    for (const [name, value] of Object.entries(settings)) {
      check(context.setOption(name, value), `set ${name}=${value} on libx264`);
    }
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}
