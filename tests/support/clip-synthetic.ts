/** Generates clips, a moving picture and a sine, so that tests do not need the shared data. */
import { Codec, CodecContext, Frame, Packet, Rational } from "node-av";
import { AV_PICTURE_TYPE_I, AV_PICTURE_TYPE_NONE, AV_PIX_FMT_YUV420P } from "node-av/constants";
import { VideoEncoder } from "../../src/engine/codec/video-encoder.ts";
import { FramePool } from "../../src/engine/codec/video-frame.ts";
import type { Size } from "../../src/engine/protocol/work.ts";
import { ticks } from "../../src/media/time.ts";
import type { ReadMedia, ReadPacket, ReadTrack } from "./clip-reader.ts";
import { soundTrack } from "./sound.ts";

const H264 = {
  kind: "video",
  codecName: "h264",
  sampleRate: 0,
  channels: 0,
  frameSize: 0,
  extradata: new Uint8Array(0),
} as const;

export interface SyntheticOptions {
  /** Consecutive sizes and the number of frames of each. */
  readonly parts: readonly (Size & { readonly frames: number })[];
  readonly fps?: number;
  /** Frames between key frames. */
  readonly gop?: number;
  /** Number of consecutive B-frames; only with a single part. */
  readonly bFrames?: number;
  readonly audio?: {
    readonly codec: "aac" | "opus";
    readonly sampleRate?: number;
    readonly channels?: number;
  };
  /** First timestamp, in ticks. */
  readonly start?: number;
  /** Draws into frame `index` before it is encoded; not with B-frames. */
  readonly draw?: (frame: Frame, index: number) => void;
}

/** Generates the clip's packets, in the form in which a demuxer would return them. */
export async function synthetic(options: SyntheticOptions): Promise<ReadMedia> {
  const { parts, fps = 30, start = 0 } = options;
  const frames = parts.reduce((sum, part) => sum + part.frames, 0);
  const packets = options.bFrames
    ? await withBFrames(options, options.bFrames)
    : await withoutBFrames(options);
  const video: ReadTrack = { ...H264, packets, frames: [] };
  const audio = options.audio
    ? soundTrack({ ...options.audio, seconds: frames / fps, start })
    : null;
  return { video, audio };
}

/** Luma of frame `index`: rises by 2 a frame from 40 to 200, which identifies the frame. */
export const lumaOf = (index: number): number => 40 + ((index * 2) % 160);

/** A grey yuv420p frame with a coloured, moving bar. The caller owns it. */
export function drawFrame({ width, height }: Size, index: number): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = AV_PIX_FMT_YUV420P;
  frame.getBuffer();
  const [y, u, v] = frame.data ?? [];
  y?.fill(lumaOf(index));
  u?.fill(128);
  v?.fill(128);
  const stride = frame.linesize[1] ?? 0;
  for (let row = 0; row < height / 2; row++)
    u?.fill(200, row * stride + (index % 16), row * stride + (index % 16) + 8);
  return frame;
}

async function withoutBFrames({
  parts,
  fps = 30,
  gop = 30,
  start = 0,
  draw = () => {},
}: SyntheticOptions): Promise<ReadPacket[]> {
  using pool = new FramePool();
  const packets: ReadPacket[] = [];
  let index = 0;
  for (const part of parts) {
    using encoder = new VideoEncoder({ size: part });
    for (let own = 0; own < part.frames; own++, index++) {
      const pts = ticks(start + Math.round((index * 90_000) / fps));
      using frame = pool.adopt(drawFrame(part, index), { pts, arrivedAt: 0 });
      draw(frame.native, index);
      const { data, keyFrame, format } = await encoder.encode(frame, own % gop === 0);
      packets.push({
        data: keyFrame ? join(format.parameterSets, data) : data,
        pts,
        dts: pts,
        keyFrame,
      });
    }
  }
  return packets;
}

async function withBFrames(
  { parts, fps = 30, gop = 30, start = 0 }: SyntheticOptions,
  bFrames: number,
): Promise<ReadPacket[]> {
  const [part] = parts;
  const codec = Codec.findEncoderByName("libx264" as never);
  if (!part || !codec) throw new Error("a part and libx264 are needed");
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = part.width;
  context.height = part.height;
  context.pixelFormat = AV_PIX_FMT_YUV420P;
  context.timeBase = new Rational(1, 90_000);
  context.framerate = new Rational(fps, 1);
  context.gopSize = gop;
  context.maxBFrames = bFrames;
  context.threadCount = 1;
  for (const [name, value] of [
    ["preset", "veryfast"],
    ["b_strategy", "0"],
    ["sc_threshold", "0"],
    ["forced-idr", "1"],
  ] as const) {
    context.setOption(name, value);
  }
  await context.open2(codec);
  const packets: ReadPacket[] = [];
  const packet = new Packet();
  packet.alloc();
  const receive = (): void => {
    while (context.receivePacketSync(packet) >= 0) {
      packets.push({
        data: Uint8Array.from(packet.data ?? []),
        pts: Number(packet.pts),
        dts: Number(packet.dts),
        keyFrame: packet.isKeyframe,
      });
      packet.unref();
    }
  };
  for (let index = 0; index < part.frames; index++) {
    const frame = drawFrame(part, index);
    frame.pts = BigInt(start + Math.round((index * 90_000) / fps));
    frame.pictType = index % gop === 0 ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    context.sendFrameSync(frame);
    frame.free();
    receive();
  }
  context.sendFrameSync(null);
  receive();
  packet.free();
  context.freeContext();
  return packets;
}

const join = (a: Uint8Array, b: Uint8Array): Uint8Array => Uint8Array.from(Buffer.concat([a, b]));
