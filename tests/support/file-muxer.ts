/** Muxes packets with FFmpeg into any of its file formats, in memory and without seeking, as live senders do. */
import { FormatContext, IOContext, Packet, Rational } from "node-av";
import {
  AV_CHANNEL_ORDER_NATIVE,
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_AV1,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_OPUS,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AV_PKT_FLAG_KEY,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from "node-av/constants";
import type { VideoCodec } from "../../src/media/encoded-packet.ts";
import type { ReadPacket, ReadTrack } from "./clip-reader.ts";

const VIDEO_IDS = {
  h264: AV_CODEC_ID_H264,
  hevc: AV_CODEC_ID_HEVC,
  vp8: AV_CODEC_ID_VP8,
  vp9: AV_CODEC_ID_VP9,
  av1: AV_CODEC_ID_AV1,
} as const satisfies Record<VideoCodec, number>;

export interface FileVideo {
  readonly codec: VideoCodec;
  readonly width: number;
  readonly height: number;
  /** The decoder's configuration in any form that FFmpeg takes; parameter sets of the first packet by default. */
  readonly extradata?: Uint8Array;
  readonly packets: readonly ReadPacket[];
}

export interface FileOptions {
  /** FFmpeg's name of the format: `matroska`, `webm`, `mp4`. */
  readonly format: string;
  readonly video: FileVideo;
  readonly audio?: ReadTrack | null;
  /** The muxer's own options, e.g. `{ movflags: "frag_keyframe+empty_moov" }`. */
  readonly options?: Readonly<Record<string, string>>;
}

/** The bytes of the whole file. */
export function muxFile({ format, video, audio = null, options = {} }: FileOptions): Uint8Array {
  const chunks: Buffer[] = [];
  const context = new FormatContext();
  const io = new IOContext();
  check(context.allocOutputContext2(null, format, null), `open ${format}`);
  io.allocContextWithCallbacks(65536, 1, null, (bytes) => {
    chunks.push(Buffer.from(bytes));
    return bytes.length;
  });
  context.pb = io;
  const timeBase = new Rational(1, 90_000);
  const pictures = context.newStream();
  pictures.timeBase = timeBase;
  pictures.codecpar.codecType = AVMEDIA_TYPE_VIDEO;
  pictures.codecpar.codecId = VIDEO_IDS[video.codec];
  pictures.codecpar.width = video.width;
  pictures.codecpar.height = video.height;
  const extradata = video.extradata ?? video.packets[0]?.data ?? new Uint8Array(0);
  if (video.codec !== "vp8" && video.codec !== "vp9") {
    pictures.codecpar.extradata = Buffer.from(extradata);
  }
  const tracks = [{ stream: pictures, packets: video.packets }];
  if (audio) {
    const sound = context.newStream();
    sound.timeBase = timeBase;
    sound.codecpar.codecType = AVMEDIA_TYPE_AUDIO;
    sound.codecpar.codecId = audio.codecName.includes("aac") ? AV_CODEC_ID_AAC : AV_CODEC_ID_OPUS;
    sound.codecpar.sampleRate = audio.sampleRate;
    sound.codecpar.channelLayout = {
      nbChannels: audio.channels,
      order: AV_CHANNEL_ORDER_NATIVE,
      mask: audio.channels === 1 ? 4n : 3n,
    };
    sound.codecpar.frameSize = audio.frameSize;
    sound.codecpar.extradata = Buffer.from(audio.extradata);
    tracks.push({ stream: sound, packets: audio.packets });
  }
  for (const [name, value] of Object.entries(options)) check(context.setOption(name, value), name);
  check(context.writeHeaderSync(), `write the header of ${format}`);
  const packet = new Packet();
  packet.alloc();
  const all = tracks
    .flatMap(({ stream, packets }) => packets.map((each) => ({ stream, ...each })))
    .sort((a, b) => a.dts - b.dts);
  for (const { stream, data, pts, dts, keyFrame } of all) {
    packet.data = Buffer.from(data);
    packet.streamIndex = stream.index;
    packet.pts = BigInt(pts);
    packet.dts = BigInt(dts);
    packet.flags = (keyFrame ? AV_PKT_FLAG_KEY : 0) as typeof AV_PKT_FLAG_KEY;
    // The muxer counts in units of its own.
    packet.rescaleTs(timeBase, stream.timeBase);
    check(context.interleavedWriteFrameSync(packet), `write to ${format}`);
    packet.unref();
  }
  check(context.writeTrailerSync(), `write the trailer of ${format}`);
  io.flushSync();
  packet.free();
  context.pb = null;
  context.freeContext();
  io.freeContext();
  return Uint8Array.from(Buffer.concat(chunks));
}

function check(code: number, doing: string): void {
  if (code < 0) throw new Error(`${doing}: FFmpeg returned ${code}`);
}
