/** Reads and writes the header of AAC frames in ADTS (ISO/IEC 13818-7 §6.2). */
import { AAC_OBJECT, AAC_SAMPLE_RATES, type AacFormat } from "./aac.ts";

/** Bytes of a header without a checksum. */
export const ADTS_HEADER_BYTES = 7;
const CHECKSUM_BYTES = 2;

export interface AdtsHeader extends AacFormat {
  /** Of the header with its checksum. */
  readonly headerBytes: number;
  /** Of the whole frame. */
  readonly frameBytes: number;
  /** Raw data blocks in the frame, each of 1024 samples. */
  readonly blocks: number;
}

/** Null if no header begins at `at`. */
export function readAdtsHeader(bytes: Uint8Array, at: number): AdtsHeader | null {
  const byte = (index: number): number => bytes[at + index] ?? 0;
  const frameBytes = ((byte(3) & 3) << 11) | (byte(4) << 3) | (byte(5) >> 5);
  const headerBytes = ADTS_HEADER_BYTES + (byte(1) & 1 ? 0 : CHECKSUM_BYTES);
  const sampleRate = AAC_SAMPLE_RATES[(byte(2) >> 2) & 15];
  const synchronized = byte(0) === 0xff && (byte(1) & 0xf6) === 0xf0;
  if (!synchronized || !sampleRate || frameBytes <= headerBytes) return null;
  return {
    headerBytes,
    frameBytes,
    objectType: (byte(2) >> 6) + 1,
    sampleRate,
    channelConfiguration: ((byte(2) & 1) << 2) | (byte(3) >> 6),
    blocks: (byte(6) & 3) + 1,
  };
}

/** True if ADTS can say it: four object types, tabulated rates, channel configurations up to 7.1. */
export const fitsAdts = (format: AacFormat): boolean =>
  format.objectType <= AAC_OBJECT.ltp &&
  AAC_SAMPLE_RATES.includes(format.sampleRate) &&
  format.channelConfiguration >= 1 &&
  format.channelConfiguration <= 7;

/** A header without a checksum for one frame of `rawBytes`. The format must fit. */
export function adtsHeader(format: AacFormat, rawBytes: number): Uint8Array {
  const frameBytes = ADTS_HEADER_BYTES + rawBytes;
  const rate = AAC_SAMPLE_RATES.indexOf(format.sampleRate);
  const layout = format.channelConfiguration;
  return Uint8Array.from([
    0xff,
    0xf1,
    ((format.objectType - 1) << 6) | (rate << 2) | (layout >> 2),
    ((layout & 3) << 6) | (frameBytes >> 11),
    (frameBytes >> 3) & 0xff,
    ((frameBytes & 7) << 5) | 0x1f,
    0xfc,
  ]);
}
