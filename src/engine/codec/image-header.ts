/** Hides where picture files keep their type and size: read from the header, so that a bomb is refused undecoded. */
import { WorkerError } from "../../errors.ts";
import type { Size } from "../protocol/work.ts";

export type ImageType = "png" | "jpeg" | "webp";

export interface ImageHeader extends Size {
  readonly type: ImageType;
}

/** Of a file that is decoded: as many pixels as the largest square output has. */
const MAX_PIXELS = 4096 * 4096;
const MAX_SIDE = 16_384;

/**
 * Type and size of a PNG, JPEG or WebP. Throws an error that names the field `image`: `unsupported_media` for other
 * files and damaged headers, `invalid_request` for more than 4096² pixels.
 */
export function readImageHeader(file: Uint8Array): ImageHeader {
  const type = typeOf(file);
  if (type === null) throw badImage("holds neither a PNG, a JPEG nor a WebP");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const size = SIZES[type](view);
  if (size === null || size.width < 1 || size.height < 1)
    throw badImage(`is a damaged ${type}: its header tells no size`);
  const { width, height } = size;
  if (width * height <= MAX_PIXELS && Math.max(width, height) <= MAX_SIDE) return { type, ...size };
  const problem = `is ${width}x${height}: send at most ${MAX_PIXELS} pixels (4096x4096), ${MAX_SIDE} a side`;
  throw badImage(problem, "invalid_request");
}

/** The error for what is wrong with the picture that was sent. */
export const badImage = (
  problem: string,
  kind: "unsupported_media" | "invalid_request" = "unsupported_media",
): WorkerError =>
  new WorkerError(kind, `image ${problem}`, { details: [{ field: "image", problem }] });

function typeOf(file: Uint8Array): ImageType | null {
  const start = Buffer.from(file.buffer, file.byteOffset, Math.min(file.byteLength, 16));
  if (start.subarray(0, 8).equals(PNG_SIGNATURE)) return "png";
  if (start[0] === 0xff && start[1] === 0xd8 && start[2] === 0xff) return "jpeg";
  const riff = start.toString("latin1", 0, 4) === "RIFF";
  return riff && start.toString("latin1", 8, 12) === "WEBP" ? "webp" : null;
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const SIZES: Readonly<Record<ImageType, (view: DataView) => Size | null>> = {
  png: pngSize,
  jpeg: jpegSize,
  webp: webpSize,
};

/** PNG 11.2.1: IHDR comes first. */
function pngSize(view: DataView): Size | null {
  if (view.byteLength < 24 || tag(view, 12) !== "IHDR") return null;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** ITU-T T.81 B.1: segments with their lengths up to the first frame header. */
function jpegSize(view: DataView): Size | null {
  for (let at = 2; at + 9 <= view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++; // fill
      continue;
    }
    if (FRAME_HEADERS.has(marker))
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) return null; // the scan begins without one
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which lie between them. */
const FRAME_HEADERS = new Set(
  [...Array(16).keys()]
    .map((n) => 0xc0 + n)
    .filter((marker) => ![0xc4, 0xc8, 0xcc].includes(marker)),
);

/** RFC 9649: the first chunk is the picture, or says of the whole file what it holds. */
function webpSize(view: DataView): Size | null {
  if (view.byteLength < 30) return null;
  switch (tag(view, 12)) {
    case "VP8 ":
      return {
        width: view.getUint16(26, true) & 0x3fff,
        height: view.getUint16(28, true) & 0x3fff,
      };
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8X": {
      if (view.getUint8(20) & ANIMATED) throw badImage("is an animated WebP: send a still picture");
      const u24 = (at: number) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
      return { width: u24(24) + 1, height: u24(27) + 1 };
    }
    default:
      return null;
  }
}

const ANIMATED = 0x02;

const tag = (view: DataView, at: number): string =>
  String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, 4));
