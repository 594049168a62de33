/**
 * Re-exports what this folder uses of node-av (FFmpeg 8), and turns its return codes into errors. No other
 * file imports node-av: the compiled binary replaces the addon's loader behind this import.
 */
import { FFmpegError, Log } from "node-av";
import { AV_LOG_FATAL } from "node-av/constants";

// biome-ignore lint/performance/noBarrelFile: the fence around node-av is this file
export {
  Codec,
  CodecContext,
  CodecParameters,
  Filter,
  type FilterContext,
  FilterGraph,
  Frame,
  Packet,
  Rational,
  SoftwareResampleContext,
} from "node-av";
export {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_CHANNEL_ORDER_NATIVE,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_CODEC_FLAG_LOW_DELAY,
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_AV1,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_PNG,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AV_CODEC_ID_WEBP,
  AV_FRAME_DATA_DISPLAYMATRIX,
  AV_FRAME_FLAG_INTERLACED,
  AV_FRAME_FLAG_KEY,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_ARGB,
  AV_PIX_FMT_GBRP,
  AV_PIX_FMT_GRAY16BE,
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_PAL8,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_RGBA,
  AV_PIX_FMT_RGBA64BE,
  AV_PIX_FMT_YA8,
  AV_PIX_FMT_YA16BE,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVA420P,
  AV_PIX_FMT_YUVJ420P,
  AV_PKT_FLAG_KEY,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_BT709,
  AVERROR_EAGAIN,
  AVERROR_EINVAL,
  AVERROR_EOF,
} from "node-av/constants";

/** Throws if `code` is an error, with FFmpeg's message and what was being done. */
export function check(code: number, doing: string): number {
  if (code < 0) throw new Error(`${doing}: ${new FFmpegError(code).message}`);
  return code;
}

/** Keeps FFmpeg off stderr: our own log reports damaged input, once and with the stream's name. */
export const quietLibav = (): void => Log.setLevel(AV_LOG_FATAL);
