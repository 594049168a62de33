/** Lower bound of the pipeline's cost: the same native calls in one loop, frame after frame, without stages or threads of our own. */
import * as ort from "onnxruntime-node";
import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_CODEC_FLAG_LOW_DELAY,
  AV_CODEC_ID_H264,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_GBRP,
  AV_PIX_FMT_YUV420P,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  Codec,
  CodecContext,
  check,
  Frame,
  Packet,
  Rational,
} from "../../src/engine/codec/libav.ts";
import { encodingThreads } from "../../src/engine/codec/video-encoder.ts";
import { parseDevice } from "../../src/engine/device/devices.ts";
import { BUILT_INS } from "../../src/engine/models/built-in.ts";
import { fragment } from "../../src/engine/segment/fmp4-fragment.ts";
import { initSegment } from "../../src/engine/segment/fmp4-init.ts";
import { lengthPrefixed, splitNals } from "../../src/media/annex-b.ts";
import type { VideoPacket } from "../../src/media/encoded-packet.ts";
import { SEGMENT_FRAMES } from "./clip.ts";
import { FilterChain } from "./filter-chain.ts";

export interface BareLoop extends Disposable {
  /** Milliseconds of each step, per frame. */
  readonly stepMs: Readonly<Record<Step, number[]>>;
  /** Processes packets; returns the total size of all fragments in bytes. */
  run(packets: readonly VideoPacket[]): Promise<number>;
}

const STEPS = ["decode", "toPicture", "model", "toFrame", "encode", "segment"] as const;
type Step = (typeof STEPS)[number];

/** Opens the loop for a source of this size, with the settings of `src/engine/codec`. */
export async function openBareLoop(width: number, height: number): Promise<BareLoop> {
  const decoder = openDecoder();
  const encoder = openEncoder(width, height);
  const size = `video_size=${width}x${height}:time_base=1/90000`;
  const toPicture = new FilterChain([
    ["buffer", `${size}:pix_fmt=yuv420p`],
    ["format", "pix_fmts=gbrp"],
  ]);
  const toFrame = new FilterChain([
    ["buffer", `${size}:pix_fmt=gbrp`],
    ["zscale", "matrix=170m:range=limited"],
    ["format", "pix_fmts=yuv420p"],
  ]);
  const model = BUILT_INS["identity"]?.graph() ?? new Uint8Array();
  const session = await ort.InferenceSession.create(model, { ...parseDevice("cpu").settings });
  const parameterSets = Uint8Array.from(encoder.extraData ?? []);
  const init = initSegment({ width, height, parameterSets }, null);
  const packet = new Packet();
  packet.alloc();
  const stepMs: Record<Step, number[]> = {
    decode: [],
    toPicture: [],
    model: [],
    toFrame: [],
    encode: [],
    segment: [],
  };
  let made = 0;

  /** Processes one frame from access unit to fragment; returns the fragment's size in bytes. */
  const step = async (unit: VideoPacket): Promise<number> => {
    let last = performance.now();
    const done = (name: Step): void => {
      const now = performance.now();
      stepMs[name].push(now - last);
      last = now;
    };
    packet.data = Buffer.from(unit.data.buffer, unit.data.byteOffset, unit.data.length);
    packet.pts = BigInt(unit.pts);
    packet.dts = BigInt(unit.dts);
    check(await decoder.sendPacket(packet), "decode");
    packet.unref();
    const decoded = emptyFrame();
    check(await decoder.receiveFrame(decoded), "decode");
    done("decode");
    const planar = await toPicture.run(decoded);
    const data = readPlanes(planar, width * height);
    decoded.free();
    planar.free();
    done("toPicture");
    const picture = new ort.Tensor("uint8", data, [1, 3, height, width]);
    const { image } = await session.run({ picture }, ["image"]);
    done("model");
    const drawn = pictureFrame(image?.data as Uint8Array, width, height);
    const frame = await toFrame.run(drawn);
    drawn.free();
    done("toFrame");
    const key = made++ % SEGMENT_FRAMES === 0;
    frame.pts = BigInt(unit.pts);
    frame.pictType = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    check(await encoder.sendFrame(frame), "encode");
    check(await encoder.receivePacket(packet), "encode");
    frame.free();
    const encoded = new Uint8Array(packet.data ?? []); // a copy: the packet is freed
    packet.unref();
    done("encode");
    const { pts } = unit;
    const sample = { data: lengthPrefixed(splitNals(encoded)), dts: pts, pts, duration: 3000 };
    const bytes = fragment(init.file, init.videoTrack, [{ ...sample, sync: key }]);
    done("segment");
    return bytes.length + (key ? init.bytes.length : 0);
  };
  return {
    stepMs,
    async run(packets) {
      let bytes = 0;
      for (const unit of packets) bytes += await step(unit);
      return bytes;
    },
    [Symbol.dispose]() {
      for (const chain of [toPicture, toFrame]) chain[Symbol.dispose]();
      for (const context of [decoder, encoder]) context.freeContext();
      packet.free();
    },
  };
}

function openDecoder(): CodecContext {
  const codec = Codec.findDecoder(AV_CODEC_ID_H264);
  if (!codec) throw new Error("this FFmpeg has no H.264 decoder");
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  decoder.setFlags(AV_CODEC_FLAG_LOW_DELAY);
  decoder.threadCount = 1;
  decoder.pktTimebase = new Rational(1, 90_000);
  check(decoder.open2Sync(codec), "open the decoder");
  return decoder;
}

function openEncoder(width: number, height: number): CodecContext {
  const codec = Codec.findEncoderByName("libx264" as never); // typed as a union of FFmpeg's constants
  if (!codec) throw new Error("this FFmpeg has no libx264");
  const encoder = new CodecContext();
  encoder.allocContext3(codec);
  Object.assign(encoder, { width, height, pixelFormat: AV_PIX_FMT_YUV420P });
  encoder.colorSpace = AVCOL_SPC_SMPTE170M;
  encoder.colorRange = AVCOL_RANGE_MPEG;
  encoder.timeBase = new Rational(1, 90_000);
  encoder.framerate = new Rational(30, 1);
  encoder.gopSize = 100_000;
  encoder.maxBFrames = 0;
  encoder.threadCount = encodingThreads({ width, height });
  encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  encoder.rcMaxRate = BigInt(width * height * 24);
  encoder.rcBufferSize = width * height * 24;
  const settings = {
    preset: "superfast",
    tune: "zerolatency",
    "forced-idr": "1",
    sc_threshold: "0",
    weightp: "none",
    crf: "23",
  };
  for (const [name, value] of Object.entries(settings)) {
    check(encoder.setOption(name, value), `set ${name}`);
  }
  check(encoder.open2Sync(codec), "open the encoder");
  return encoder;
}

function emptyFrame(): Frame {
  const frame = new Frame();
  frame.alloc();
  return frame;
}

/** The planes of FFmpeg's GBRP in the order R, G, B. Rows have no padding at the two sizes measured. */
const RGB_PLANES = [2, 0, 1] as const;

function readPlanes(frame: Frame, plane: number): Uint8Array {
  const data = new Uint8Array(plane * 3);
  const planes = frame.data ?? [];
  for (const [position, index] of RGB_PLANES.entries()) {
    data.set(planes[index]?.subarray(0, plane) ?? [], position * plane);
  }
  return data;
}

function pictureFrame(data: Uint8Array, width: number, height: number): Frame {
  const frame = emptyFrame();
  Object.assign(frame, { width, height, format: AV_PIX_FMT_GBRP });
  check(frame.getBuffer(), "allocate a frame");
  const planes = frame.data ?? [];
  const plane = width * height;
  for (const [position, index] of RGB_PLANES.entries()) {
    planes[index]?.set(data.subarray(position * plane, (position + 1) * plane));
  }
  return frame;
}
