/** Builds PNG files of any colour type chunk by chunk, including ones that no encoder writes. */
import { deflateSync } from "node:zlib";

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** Colour types of PNG (third edition) 6.1. */
export const GRAY = 0;
export const RGB_COLOUR = 2;
export const PALETTE = 3;
export const GRAY_ALPHA = 4;
export const RGB_ALPHA = 6;

export interface PngParts {
  readonly width: number;
  readonly height: number;
  /** Bits per sample; 8 by default. */
  readonly depth?: number;
  readonly colourType?: number;
  /** Chunks between the header and the pixels, by type. */
  readonly chunks?: readonly (readonly [type: string, data: readonly number[]])[];
  /** Rows of bytes; a filter type is inserted before each. */
  readonly rows: readonly (readonly number[])[];
}

/** One chunk: length, type, data and CRC. */
export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.byteLength);
  crc.writeUInt32BE(Bun.hash.crc32(body));
  return Buffer.concat([length, body, crc]);
}

/** A complete file. It may have fewer rows than the header says: the rest of the picture is black. */
export function buildPng({ width, height, depth = 8, ...parts }: PngParts): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, parts.colourType ?? RGB_COLOUR], 8);
  const pixels = Buffer.concat(parts.rows.map((row) => Uint8Array.of(0, ...row)));
  return Buffer.concat([
    SIGNATURE,
    pngChunk("IHDR", header),
    ...(parts.chunks ?? []).map(([type, data]) => pngChunk(type, Uint8Array.from(data))),
    pngChunk("IDAT", deflateSync(pixels)),
    pngChunk("IEND", new Uint8Array()),
  ]);
}
