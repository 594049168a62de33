/** Tells PNG, JPEG and WebP files apart, and refuses those that are cut short or animated, which FFmpeg would accept. */
import { WorkerError } from "../../errors.ts";
import { type PictureFormat, pictureFormat } from "../protocol/picture-uri.ts";

/**
 * The format of a still picture that is whole: bytes after its end are allowed. Throws `unsupported_media` for other
 * files, for animations, and for files that end before their picture does. Sizes and damage are the decoder's to find.
 */
export function detectImageFormat(file: Uint8Array): PictureFormat {
  const format = pictureFormat(file);
  if (format === null) throw imageError("is not a PNG, JPEG or WebP: send one of these");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const content = CONTENT[format](view);
  if (content === "animated") {
    throw imageError(`is an animated ${NAMES[format]}: send a still picture`);
  }
  if (content === "cut short") {
    throw imageError(`is an incomplete ${NAMES[format]}: send the whole file`);
  }
  return format;
}

/** The formats' names in messages. */
export const NAMES = { png: "PNG", jpeg: "JPEG", webp: "WebP" } as const satisfies Record<
  PictureFormat,
  string
>;

/** An error about the picture that was sent, in the field `image`. */
export const imageError = (
  problem: string,
  kind: "unsupported_media" | "invalid_request" = "unsupported_media",
): WorkerError =>
  new WorkerError(kind, `image ${problem}`, { details: [{ field: "image", problem }] });

type Content = "still" | "animated" | "cut short";

const CONTENT: Readonly<Record<PictureFormat, (view: DataView) => Content>> = {
  png: pngContent,
  jpeg: jpegContent,
  webp: webpContent,
};

/** PNG (third edition) 5.3: chunks of length, type, data and CRC, the last one IEND; acTL makes an animation. */
function pngContent(view: DataView): Content {
  for (let at = 8; at + 12 <= view.byteLength; ) {
    const type = tag(view, at + 4);
    if (type === "acTL") return "animated";
    if (type === "IEND") return "still";
    at += 12 + view.getUint32(at);
  }
  return "cut short";
}

/**
 * ITU-T T.81 B.1: marker segments with their lengths, and entropy-coded data after each start of scan, up to the end
 * of image. A thumbnail's own end lies inside a segment.
 */
function jpegContent(view: DataView): Content {
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  for (let at = 2; at + 2 <= bytes.length; ) {
    if (bytes[at] !== 0xff) {
      at = bytes.indexOf(0xff, at);
      if (at < 0) break;
      continue;
    }
    const marker = bytes[at + 1] ?? 0;
    if (marker === END_OF_IMAGE) return "still";
    if (marker === 0xff) at += 1;
    else if (STAND_ALONE.has(marker)) at += 2;
    else if (at + 4 <= bytes.length) at += 2 + bytes.readUInt16BE(at + 2);
    else break;
  }
  return "cut short";
}

const END_OF_IMAGE = 0xd9;
/** Without a length: a stuffed byte of entropy-coded data, TEM, and the restart markers RST0 to RST7. */
const STAND_ALONE = new Set([0x00, 0x01, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7]);

/** RFC 9649: a RIFF file whose chunks fill the length that its header states. */
function webpContent(view: DataView): Content {
  if (view.byteLength < 12) return "cut short";
  const end = 8 + view.getUint32(4, true);
  if (end > view.byteLength) return "cut short";
  let at = 12;
  while (at + 8 <= end) {
    const [type, length] = [tag(view, at), view.getUint32(at + 4, true)];
    if (type === "ANIM" || type === "ANMF") return "animated";
    at += 8 + length + (length % 2);
  }
  // Some writers leave out the padding byte of the last chunk.
  return at > end + 1 || at === 12 ? "cut short" : "still";
}

const tag = (view: DataView, at: number): string =>
  String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, 4));
