/** Decodes PNG, JPEG and WebP files to frames, and encodes frames as PNG: one file at a time, on one thread. */

import type { PictureFormat } from "../protocol/picture-uri.ts";
import { type FilterStep, FrameFilter, shapeOf } from "./frame-filter.ts";
import { detectImageFormat, imageError, NAMES } from "./image-format.ts";
import {
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_PNG,
  AV_CODEC_ID_WEBP,
  AV_FRAME_DATA_DISPLAYMATRIX,
  AV_PIX_FMT_ARGB,
  AV_PIX_FMT_PAL8,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_RGBA,
  AV_PIX_FMT_RGBA64BE,
  AV_PIX_FMT_YA8,
  AV_PIX_FMT_YA16BE,
  AV_PIX_FMT_YUVA420P,
  AVERROR_EINVAL,
  Codec,
  CodecContext,
  check,
  Frame,
  Packet,
  Rational,
} from "./libav.ts";

const DECODERS = {
  png: AV_CODEC_ID_PNG,
  jpeg: AV_CODEC_ID_MJPEG,
  webp: AV_CODEC_ID_WEBP,
} as const satisfies Record<PictureFormat, number>;

/** Of a file that is decoded: as many pixels as the largest square output has. */
const MAX_PIXELS = 4096 * 4096;
const MAX_SIDE = 16_384;
const LIMITS = `send at most ${MAX_PIXELS} pixels (4096x4096), ${MAX_SIDE} a side`;
/** More pixels than FFmpeg adds to a row, or to a column, before it compares them with its limit. */
const PADDING = 128;
/** Lets every allowed shape pass, the longest one too; beyond it FFmpeg refuses a file by its header. */
const DECODER_MAX_PIXELS = (MAX_SIDE + PADDING) * (MAX_PIXELS / MAX_SIDE + PADDING);

/**
 * The picture as an upright, opaque frame in a pixel format of FFmpeg's choice, owned by the caller: orientation (EXIF)
 * is applied, and transparency is blended with white, as a web page shows it.
 * Throws `unsupported_media` for a file that cannot be decoded and `invalid_request` for one that is too large, both
 * naming the field `image`.
 */
export const decodeImage = (file: Uint8Array): Promise<Frame> => decodeUpright(file, opaqueSteps);

/** As `decodeImage`, but in the pixel format that `convert` chooses. */
export async function decodeUpright(
  file: Uint8Array,
  convert: (frame: Frame) => readonly FilterStep[],
): Promise<Frame> {
  const format = detectImageFormat(file);
  const frame = await decodeFile(file, format);
  try {
    const { width, height } = frame;
    if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) {
      throw imageError(`is ${width}x${height}: ${LIMITS}`, "invalid_request");
    }
    const steps = [...orientationSteps(frame), ...convert(frame)];
    if (steps.length === 0) return frame;
    using filter = new FrameFilter(shapeOf(frame), steps);
    const upright = await filter.run(frame);
    frame.free();
    return upright;
  } catch (error) {
    frame.free();
    throw error;
  }
}

async function decodeFile(file: Uint8Array, format: PictureFormat): Promise<Frame> {
  const codec = Codec.findDecoder(DECODERS[format]);
  if (!codec) throw imageError(`is a ${NAMES[format]}, for which this FFmpeg has no decoder`);
  const context = new CodecContext();
  context.allocContext3(codec);
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();
  try {
    context.threadCount = 1;
    check(context.setOption("max_pixels", String(DECODER_MAX_PIXELS)), "limit the decoder");
    check(context.setOption("err_detect", "crccheck+explode"), "make the decoder strict");
    check(context.open2Sync(codec), `open the ${NAMES[format]} decoder`);
    packet.data = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
    const sent = await context.sendPacket(packet);
    await context.sendPacket(null);
    const received = sent < 0 ? sent : await context.receiveFrame(frame);
    if (received === AVERROR_EINVAL) throw imageError(`is too large: ${LIMITS}`, "invalid_request");
    if (received < 0) {
      // Sizes of more than about 16,000² are errors of the format to FFmpeg, and no longer told apart.
      const problem = `is a ${NAMES[format]} that cannot be decoded: damaged, of a rare kind, or far too large`;
      throw imageError(`${problem}: ${LIMITS}`);
    }
    return frame;
  } catch (error) {
    frame.free();
    throw error;
  } finally {
    packet.free();
    context.freeContext();
  }
}

/**
 * An rgb24 frame as PNG bytes. The frame stays the caller's.
 *
 * @param effort `fast`: for a file that is read once
 */
export async function encodePng(
  frame: Frame,
  effort: keyof typeof PNG_SETTINGS = "small",
): Promise<Uint8Array<ArrayBuffer>> {
  const codec = Codec.findEncoder(AV_CODEC_ID_PNG);
  if (!codec) throw new Error("this FFmpeg has no PNG encoder");
  const context = new CodecContext();
  context.allocContext3(codec);
  const packet = new Packet();
  packet.alloc();
  try {
    context.width = frame.width;
    context.height = frame.height;
    context.pixelFormat = AV_PIX_FMT_RGB24;
    context.timeBase = new Rational(1, 1);
    context.threadCount = 1;
    for (const [name, value] of Object.entries(PNG_SETTINGS[effort]))
      check(context.setOption(name, value), `set ${name}=${value} on the PNG encoder`);
    check(context.open2Sync(codec), "open the PNG encoder");
    check(await context.sendFrame(frame), "encode a PNG");
    await context.sendFrame(null);
    check(await context.receivePacket(packet), "take a PNG");
    return new Uint8Array(packet.data ?? []);
  } finally {
    packet.free();
    context.freeContext();
  }
}

const PNG_SETTINGS = {
  /** Level 6 takes four times as long for a twelfth fewer bytes (a drawn landscape, 512²). */
  small: { compression_level: "4", pred: "mixed" },
  fast: { compression_level: "1", pred: "sub" },
} as const;

/** The pixel formats with transparency that the three decoders give. */
export const WITH_ALPHA: ReadonlySet<number> = new Set([
  AV_PIX_FMT_ARGB,
  AV_PIX_FMT_PAL8,
  AV_PIX_FMT_RGBA,
  AV_PIX_FMT_RGBA64BE,
  AV_PIX_FMT_YA8,
  AV_PIX_FMT_YA16BE,
  AV_PIX_FMT_YUVA420P,
]);

/** FFmpeg's scaler blends with black, exactly; of negatives that is white. */
const opaqueSteps = ({ format }: Frame): FilterStep[] =>
  WITH_ALPHA.has(format)
    ? [
        ["format", "pix_fmts=gbrap"],
        ["negate", ""],
        ["scale", "alphablend=uniform_color"],
        ["format", "pix_fmts=gbrp"],
        ["negate", ""],
      ]
    : [];

/** Rotates pictures whose EXIF orientation says so, such as phone photos. */
function orientationSteps(frame: Frame): FilterStep[] {
  const matrix = frame.getSideData(AV_FRAME_DATA_DISPLAYMATRIX);
  // FFmpeg gives the eight orientations of EXIF as a 3 × 3 matrix, row by row.
  const [a = 0, b = 0, , c = 0, d = 0] = matrix
    ? new Int32Array(new Uint8Array(matrix).buffer)
    : [1, 0, 0, 0, 1];
  if (b === 0 && c === 0) {
    return [...(a < 0 ? [["hflip", ""] as const] : []), ...(d < 0 ? [["vflip", ""] as const] : [])];
  }
  if (b > 0) return [["transpose", c < 0 ? "clock" : "cclock_flip"]];
  return [["transpose", c > 0 ? "cclock" : "clock_flip"]];
}
