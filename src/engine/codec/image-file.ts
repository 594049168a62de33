/** Picture files: PNG, JPEG and WebP to a frame, a frame to PNG. One file at a time, one thread, nothing kept open. */
import { type FilterStep, FrameFilter, shapeOf } from "./frame-filter.ts";
import { badImage, type ImageType, readImageHeader } from "./image-header.ts";
import {
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_PNG,
  AV_CODEC_ID_WEBP,
  AV_FRAME_DATA_DISPLAYMATRIX,
  AV_PIX_FMT_RGB24,
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
} as const satisfies Record<ImageType, number>;

/** More pixels than FFmpeg adds to a row, or to a column. */
const PADDING = 128;

/**
 * The picture as a frame in the file's own pixel format, turned upright, owned by the caller.
 * Throws `unsupported_media` or `invalid_request`, naming the field `image`.
 */
export async function decodeImage(file: Uint8Array): Promise<Frame> {
  const { type, width, height } = readImageHeader(file);
  const codec = Codec.findDecoder(DECODERS[type]);
  if (!codec) throw badImage(`is a ${type}, for which this FFmpeg has no decoder`);
  const context = new CodecContext();
  context.allocContext3(codec);
  const packet = new Packet();
  packet.alloc();
  const frame = new Frame();
  frame.alloc();
  try {
    context.threadCount = 1;
    // A file may hold a second header that says otherwise. FFmpeg counts padded rows.
    const limit = (width + PADDING) * (height + PADDING);
    check(context.setOption("max_pixels", String(limit)), "limit the decoder");
    // Half a picture is no picture.
    check(context.setOption("err_detect", "crccheck+explode"), "make the decoder strict");
    check(context.open2Sync(codec), `open the ${type} decoder`);
    packet.data = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
    const sent = await context.sendPacket(packet);
    await context.sendPacket(null);
    if (sent < 0 || (await context.receiveFrame(frame)) < 0)
      throw badImage(`is a ${type} that cannot be decoded: it is damaged or cut short`);
    return await upright(frame);
  } catch (error) {
    frame.free();
    throw error;
  } finally {
    packet.free();
    context.freeContext();
  }
}

/** An rgb24 frame as PNG bytes. The frame stays the caller's. */
export async function encodePng(frame: Frame): Promise<Uint8Array<ArrayBuffer>> {
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
    for (const [name, value] of Object.entries(PNG_SETTINGS))
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

/** Level 6 takes four times as long for a twelfth fewer bytes (a drawn landscape, 512²). */
const PNG_SETTINGS = { compression_level: "4", pred: "mixed" };

/** Phones write pictures lying on their side and say so; takes the frame, gives one that stands. */
async function upright(frame: Frame): Promise<Frame> {
  const matrix = frame.getSideData(AV_FRAME_DATA_DISPLAYMATRIX);
  const steps = matrix ? turnOf(new Int32Array(new Uint8Array(matrix).buffer)) : [];
  if (steps.length === 0) return frame;
  using filter = new FrameFilter(shapeOf(frame), steps);
  const turned = await filter.run(frame);
  frame.free();
  return turned;
}

/** The eight orientations of EXIF, as FFmpeg's 3 × 3 matrix [a b u c d v x y w] tells them. */
function turnOf(matrix: Int32Array): FilterStep[] {
  const [a = 0, b = 0, , c = 0, d = 0] = matrix;
  if (b === 0 && c === 0) {
    return [...(a < 0 ? [["hflip", ""] as const] : []), ...(d < 0 ? [["vflip", ""] as const] : [])];
  }
  if (b > 0) return [["transpose", c < 0 ? "clock" : "cclock_flip"]];
  return [["transpose", c > 0 ? "cclock" : "clock_flip"]];
}
