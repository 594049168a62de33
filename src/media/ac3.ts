/** Reads the headers of AC-3 and E-AC-3 sync frames (ETSI TS 102 366 §4.4 and annex E §E.1.2). */
import { BitReader } from "./bit-reader.ts";

const SYNC_WORD = 0x0b77;
const SAMPLE_RATES = [48_000, 44_100, 32_000];
const BITRATES = [
  32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];
/** Full-bandwidth channels by audio coding mode. */
const CHANNELS = [2, 1, 2, 3, 3, 4, 4, 5];
const BLOCK_SAMPLES = 256;
const BLOCKS = [1, 2, 3, 6];
/** Bitstream identification up to which a frame is AC-3, and E-AC-3 beyond. */
const LAST_AC3 = 10;
const LAST_EAC3 = 16;
const DEPENDENT = 1;

/** Bytes that tell everything below. */
export const AC3_HEADER_BYTES = 8;

export interface Ac3Header {
  readonly codec: "ac3" | "eac3";
  readonly frameBytes: number;
  /** Samples of each channel that the frame holds. */
  readonly samples: number;
  readonly sampleRate: number;
  readonly channels: number;
  /** The frame belongs to the first program and stands by itself; others only add channels or programs. */
  readonly independent: boolean;
}

/** Null if no sync frame begins at `at`. */
export function readAc3Header(bytes: Uint8Array, at: number): Ac3Header | null {
  const reader = new BitReader(bytes.subarray(at, at + AC3_HEADER_BYTES));
  if (reader.bits(16) !== SYNC_WORD) return null;
  const bsid = (bytes[at + 5] ?? 0) >> 3;
  if (bsid > LAST_EAC3) return null;
  return bsid <= LAST_AC3 ? readAc3(reader, bsid) : readEac3(reader);
}

function readAc3(reader: BitReader, bsid: number): Ac3Header | null {
  reader.skip(16); // checksum
  const fullRate = SAMPLE_RATES[reader.bits(2)];
  const sizeCode = reader.bits(6);
  const bitrate = BITRATES[sizeCode >> 1];
  if (!fullRate || !bitrate) return null;
  reader.skip(5 + 3); // identification and mode
  const mode = reader.bits(3);
  if (mode & 1 && mode !== 1) reader.skip(2); // centre mix level
  if (mode & 4) reader.skip(2); // surround mix level
  if (mode === 2) reader.skip(2); // Dolby Surround mode
  const odd = fullRate === 44_100 ? sizeCode & 1 : 0;
  const words = Math.floor((bitrate * 1000 * 6 * BLOCK_SAMPLES) / fullRate / 16) + odd;
  return {
    codec: "ac3",
    frameBytes: 2 * words,
    samples: 6 * BLOCK_SAMPLES,
    // Reduced rates that some encoders write as identification 9 and 10.
    sampleRate: fullRate >> Math.max(0, bsid - 8),
    channels: (CHANNELS[mode] ?? 2) + reader.bits(1),
    independent: true,
  };
}

function readEac3(reader: BitReader): Ac3Header | null {
  const type = reader.bits(2);
  const substream = reader.bits(3);
  const frameBytes = 2 * (reader.bits(11) + 1);
  const rateCode = reader.bits(2);
  const blockCode = reader.bits(2);
  const fullRate = SAMPLE_RATES[rateCode === 3 ? blockCode : rateCode];
  if (!fullRate || frameBytes < AC3_HEADER_BYTES) return null;
  const channels = CHANNELS[reader.bits(3)] ?? 2;
  return {
    codec: "eac3",
    frameBytes,
    samples: BLOCK_SAMPLES * (rateCode === 3 ? 6 : (BLOCKS[blockCode] ?? 6)),
    sampleRate: rateCode === 3 ? fullRate / 2 : fullRate,
    channels: channels + reader.bits(1),
    independent: type !== DEPENDENT && substream === 0,
  };
}
