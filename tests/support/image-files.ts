/** Makes picture files and decodes those that come back. */

import { FrameFilter, shapeOf } from "../../src/engine/codec/frame-filter.ts";
import { decodeImage, encodePng } from "../../src/engine/codec/image-file.ts";
import {
  Codec,
  CodecContext,
  check,
  type Frame,
  Packet,
  quietLibav,
  Rational,
} from "../../src/engine/codec/libav.ts";
import { PictureConverter } from "../../src/engine/codec/picture-converter.ts";
import { UNRECORDED_CALLS } from "../../src/engine/protocol/call-journal.ts";
import type { Picture } from "../../src/media/picture.ts";

export type Rgb = readonly [number, number, number];
/** Colours of the quarters: top left, top right, bottom left, bottom right. */
export type Quarters = readonly [Rgb, Rgb, Rgb, Rgb];

export const RED: Rgb = [220, 30, 30];
export const GREEN: Rgb = [30, 200, 40];
export const BLUE: Rgb = [40, 50, 210];
export const WHITE: Rgb = [240, 240, 240];

/** A picture of four plain colours. */
export function quarters(width: number, height: number, colours: Quarters): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const colour = colours[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)];
        data[(channel * height + y) * width + x] = colour?.[channel] ?? 0;
      }
  return { data, width, height };
}

/** The colours in the middle of the four quarters. */
export function quartersOf({ data, width, height }: Picture): Quarters {
  const at = (u: number, v: number): Rgb => {
    const sample = (channel: number): number =>
      data[(channel * height + Math.floor(v * height)) * width + Math.floor(u * width)] ?? -1;
    return [sample(0), sample(1), sample(2)];
  };
  return [at(0.25, 0.25), at(0.75, 0.25), at(0.25, 0.75), at(0.75, 0.75)];
}

/** A lossless PNG. */
export const pngFile = (picture: Picture): Promise<Uint8Array> =>
  withRgb(picture, (frame) => encodePng(frame));

/** A JPEG of high quality. `orientation` is EXIF's, 1 to 8. */
export async function jpegFile(picture: Picture, orientation?: number): Promise<Uint8Array> {
  const file = await encoded(picture, "mjpeg", "yuvj444p", { qmin: "1", qmax: "2" });
  if (orientation === undefined) return file;
  // A big-endian TIFF with one entry: tag 0x0112, a short.
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation];
  const exif = [...Buffer.from("Exif\0\0", "latin1"), ...tiff, 0, 0, 0, 0, 0, 0];
  const head = [0xff, 0xe1, 0, exif.length + 2, ...exif];
  return Buffer.concat([file.subarray(0, 2), Uint8Array.from(head), file.subarray(2)]);
}

/** A lossy or lossless WebP. */
export const webpFile = (picture: Picture, kind: "lossy" | "lossless"): Promise<Uint8Array> =>
  kind === "lossy"
    ? encoded(picture, "libwebp", "yuv420p", { quality: "95" })
    : encoded(picture, "libwebp", "bgra", { lossless: "1" });

export const dataUri = (type: "png" | "jpeg" | "webp", file: Uint8Array): string =>
  `data:image/${type};base64,${file.toBase64()}`;

/** Decodes the picture in a response's data URI. */
export async function pictureOf(uri: string): Promise<Picture> {
  const [start, base64 = ""] = uri.split(",", 2);
  if (start !== "data:image/png;base64") throw new Error(`not a PNG: ${start}`);
  return await planarRgb(Uint8Array.fromBase64(base64));
}

/** The picture of a file, as models see it. */
export async function planarRgb(file: Uint8Array): Promise<Picture> {
  const frame = await decodeImage(file);
  using converter = new PictureConverter(UNRECORDED_CALLS);
  try {
    return await converter.toPicture(frame, shapeOf(frame), "stretch");
  } finally {
    frame.free();
  }
}

async function withRgb<T>(picture: Picture, work: (frame: Frame) => Promise<T>): Promise<T> {
  using converter = new PictureConverter(UNRECORDED_CALLS);
  const { width, height } = picture;
  const frame = await converter.toRgb(picture, { width, height }, "stretch");
  try {
    return await work(frame);
  } finally {
    frame.free();
  }
}

function encoded(
  picture: Picture,
  encoder: string,
  format: string,
  settings: Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  quietLibav();
  return withRgb(picture, async (rgb) => {
    using filter = new FrameFilter(shapeOf(rgb), [["format", `pix_fmts=${format}`]]);
    const frame = await filter.run(rgb);
    const codec = Codec.findEncoderByName(encoder as never);
    if (!codec) throw new Error(`this FFmpeg has no ${encoder}`);
    const context = new CodecContext();
    context.allocContext3(codec);
    const packet = new Packet();
    packet.alloc();
    try {
      context.width = frame.width;
      context.height = frame.height;
      context.pixelFormat = frame.format as typeof context.pixelFormat;
      context.timeBase = new Rational(1, 25);
      for (const [name, value] of Object.entries(settings))
        check(context.setOption(name, value), `set ${name}`);
      check(context.open2Sync(codec), `open ${encoder}`);
      check(await context.sendFrame(frame), "encode");
      await context.sendFrame(null);
      check(await context.receivePacket(packet), "take the file");
      return new Uint8Array(packet.data ?? []);
    } finally {
      packet.free();
      context.freeContext();
      frame.free();
    }
  });
}
