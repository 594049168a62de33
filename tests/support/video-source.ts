/** Encodes drawn pictures with the codec, slices, fields and pixel shapes that a test asks for. */
import { Codec, CodecContext, Frame, Packet, Rational } from "node-av";
import {
  AV_FRAME_FLAG_INTERLACED,
  AV_FRAME_FLAG_TOP_FIELD_FIRST,
  AV_PIX_FMT_YUV420P,
} from "node-av/constants";
import type { VideoCodec, VideoPacket } from "../../src/media/encoded-packet.ts";
import { ticks } from "../../src/media/time.ts";

/** Encoders of FFmpeg, and how each is set up; `params` is the option that takes its own parameters. */
const ENCODERS = {
  libx264: { codec: "h264", params: "x264-params", options: { preset: "veryfast" } },
  libx265: { codec: "hevc", params: "x265-params", options: { preset: "veryfast" } },
  libvpx: { codec: "vp8", params: null, options: { deadline: "realtime", "cpu-used": "8" } },
  "libvpx-vp9": { codec: "vp9", params: null, options: { deadline: "realtime", "cpu-used": "8" } },
  libsvtav1: { codec: "av1", params: "svtav1-params", options: { preset: "12" } },
} as const satisfies Record<
  string,
  { codec: VideoCodec; params: string | null; options: Readonly<Record<string, string>> }
>;

export interface VideoSourceOptions {
  readonly codec?: keyof typeof ENCODERS;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Luma at a position of picture `index`, or of its field `field` in temporal order. */
  readonly luma: (x: number, y: number, index: number) => number;
  readonly pixelAspect?: readonly [width: number, height: number];
  /** Which field is first in time; the second one shows the picture at `index + 0.5`. */
  readonly fields?: "top" | "bottom";
  /** The encoder's own parameters, e.g. `slices=4:keyint=10`; libvpx has none. */
  readonly params?: string;
  /** Pictures from one key frame to the next; the encoder's choice by default. */
  readonly keyInterval?: number;
}

/** The packets, 25 a second. */
export function encodeVideo(options: VideoSourceOptions): VideoPacket[] {
  // As root, SVT-AV1 makes its caller a real-time process, which with all that it starts later starves the machine.
  const isRoot = options.codec === "libsvtav1" && process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.("nobody");
  try {
    return encode(options);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

function encode(options: VideoSourceOptions): VideoPacket[] {
  const { codec: name = "libx264", width, height, frames, pixelAspect, fields } = options;
  const codec = Codec.findEncoderByName(name as never);
  if (!codec) throw new Error(`this FFmpeg has no ${name}`);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = width;
  context.height = height;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  context.timeBase = new Rational(1, 90_000);
  context.framerate = new Rational(25, 1);
  context.threadCount = 1;
  if (pixelAspect) context.sampleAspectRatio = new Rational(...pixelAspect);
  if (options.keyInterval !== undefined) context.gopSize = options.keyInterval;
  const { params: paramsOption, options: setup, codec: made } = ENCODERS[name];
  for (const [option, value] of Object.entries(setup)) context.setOption(option, value);
  const tff = fields === "bottom" ? "bff=1" : "tff=1";
  const quiet = name === "libx265" ? "log-level=none" : "";
  // With its usual threads, SVT-AV1 has waited for itself without end once, beside other tests.
  const few = name === "libsvtav1" ? "lp=1" : "";
  const params = [options.params ?? "", fields ? tff : "", quiet, few].filter(Boolean);
  if (paramsOption) context.setOption(paramsOption, params.join(":"));
  if (context.open2Sync(codec) < 0) throw new Error(`${name} refuses ${params.join(":")}`);
  const packets: VideoPacket[] = [];
  const packet = new Packet();
  packet.alloc();
  const take = (): void => {
    while (context.receivePacketSync(packet) >= 0) {
      packets.push({
        kind: "video",
        codec: made,
        data: Uint8Array.from(packet.data ?? []),
        pts: ticks(Number(packet.pts)),
        dts: ticks(Number(packet.dts)),
        keyFrame: packet.isKeyframe,
        arrivedAt: packets.length,
      });
      packet.unref();
    }
  };
  for (let index = 0; index < frames; index++) {
    const frame = draw(options, index);
    context.sendFrameSync(frame);
    frame.free();
    take();
  }
  context.sendFrameSync(null);
  take();
  packet.free();
  context.freeContext();
  return packets;
}

function draw({ width, height, luma, fields }: VideoSourceOptions, index: number): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = AV_PIX_FMT_YUV420P;
  frame.pts = BigInt(index * 3600);
  frame.getBuffer();
  const [y, u, v] = frame.data ?? [];
  const stride = frame.linesize[0] ?? 0;
  const second = fields === "top" ? 1 : 0;
  for (let row = 0; row < height; row++) {
    const time = fields && row % 2 === second ? index + 0.5 : index;
    for (let x = 0; x < width; x++) {
      if (y) y[row * stride + x] = luma(x, row, time);
    }
  }
  u?.fill(128);
  v?.fill(128);
  if (fields) frame.setFlags(AV_FRAME_FLAG_INTERLACED);
  if (fields === "top") frame.setFlags(AV_FRAME_FLAG_TOP_FIELD_FIRST);
  return frame;
}
