/** Reads picture files as ComfyUI's LoadImage does: 8 bits a sample, with transparency beside the colours. */
import type { FilterStep } from "./frame-filter.ts";
import { decodeUpright, WITH_ALPHA } from "./image-file.ts";
import { AV_PIX_FMT_GRAY16BE, AV_PIX_FMT_PAL8, AV_PIX_FMT_RGBA, type Frame } from "./libav.ts";
import { copyPlane } from "./plane-copy.ts";

/** Rows of pixels without gaps; the colours are not multiplied with the alpha. */
export interface PackedPicture {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  /** R, G, B, and A where the file has transparency. */
  readonly channels: 3 | 4;
}

/** Upright by its EXIF orientation. Throws as `decodeImage` does. */
export async function readPackedPicture(file: Uint8Array): Promise<PackedPicture> {
  const frame = await decodeUpright(file, (decoded) => packedSteps(decoded, file));
  try {
    const { width, height } = frame;
    const channels = frame.format === AV_PIX_FMT_RGBA ? 4 : 3;
    const bytes = frame.data?.[0];
    const stride = frame.linesize[0];
    if (!bytes || !stride) throw new Error("the frame has no pixels");
    const data = new Uint8Array(width * height * channels);
    const size = { width: width * channels, height };
    await copyPlane({ bytes, stride }, { bytes: data, stride: size.width }, size);
    return { data, width, height, channels };
  } finally {
    frame.free();
  }
}

function packedSteps(frame: Frame, file: Uint8Array): FilterStep[] {
  const packed: FilterStep = ["format", `pix_fmts=${hasAlpha(frame, file) ? "rgba" : "rgb24"}`];
  if (frame.format !== AV_PIX_FMT_GRAY16BE) return [packed];
  // Pillow cuts 16 bits of grey off at 255 instead of scaling them, and so does ComfyUI.
  return [["format", "pix_fmts=gray16le"], ["lut", "c0='min(val,255)*256'"], packed];
}

/** FFmpeg gives every palette transparency; whether the file has any is in a chunk before the pixels. */
function hasAlpha({ format }: Frame, file: Uint8Array): boolean {
  if (format !== AV_PIX_FMT_PAL8) return WITH_ALPHA.has(format);
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  // PNG (third edition) 5.3: length, type, data, CRC.
  for (let at = 8; at + 12 <= bytes.length; at += bytes.readUInt32BE(at) + 12) {
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "tRNS" || type === "IDAT") return type === "tRNS";
  }
  return false;
}
