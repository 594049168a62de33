/** Reads AAC in LATM with LOAS framing, as DVB carries it (ISO/IEC 14496-3 §1.7). */
import { type AacConfig, readConfig } from "./aac.ts";
import { BitReader } from "./bit-reader.ts";

const SYNC_WORD = 0x2b7;
/** Sync word and length. */
export const LOAS_HEADER_BYTES = 3;

/** What a frame's own configuration says; absent where it repeats the one before. */
export interface LoasFrame {
  /** With the header. */
  readonly frameBytes: number;
  readonly config: Pick<AacConfig, "sampleRate" | "coreChannels" | "frameSamples"> | null;
}

/** Null if no AudioSyncStream frame begins at `at`. Its configuration is read only if its bytes are there. */
export function readLoasFrame(bytes: Uint8Array, at: number): LoasFrame | null {
  const header = new BitReader(bytes.subarray(at, at + LOAS_HEADER_BYTES));
  if (header.bits(11) !== SYNC_WORD) return null;
  const frameBytes = LOAS_HEADER_BYTES + header.bits(13);
  if (frameBytes === LOAS_HEADER_BYTES) return null;
  return { frameBytes, config: readStreamMuxConfig(bytes.subarray(at, at + frameBytes)) };
}

/** StreamMuxConfig of one program with one layer; null if there is none, or an unusual one. */
function readStreamMuxConfig(frame: Uint8Array): LoasFrame["config"] {
  const reader = new BitReader(frame, LOAS_HEADER_BYTES * 8);
  if (reader.bits(1)) return null; // the same as before
  const version = reader.bits(1);
  if (version === 1) {
    if (reader.bits(1)) return null; // reserved syntax
    readValue(reader); // buffer fullness
  }
  reader.skip(1); // same time framing
  const [subframes, programs, layers] = [reader.bits(6), reader.bits(4), reader.bits(3)];
  if (subframes || programs || layers) return null;
  if (version === 1) readValue(reader); // length of the configuration
  const config = readConfig(reader);
  return reader.overrun ? null : config;
}

/** A number behind its own length in bytes (LatmGetValue). */
const readValue = (reader: BitReader): number => reader.bits(8 * (reader.bits(2) + 1));
