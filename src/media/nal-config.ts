/** Reads the configuration records of H.264 and H.265 that MP4 and Matroska share (ISO/IEC 14496-15). */
import { uint16 } from "./boxes.ts";

export interface NalConfig {
  /** Bytes of the length in front of each NAL unit of a sample. */
  readonly lengthBytes: number;
  readonly parameterSets: readonly Uint8Array[];
}

/** Reads an AVCDecoderConfigurationRecord (§5.3.3.1); parameter sets that are cut off are left out. */
export function readAvcConfig(config: Uint8Array): NalConfig {
  const sps = readSets(config, 6, (config[5] ?? 0) & 0x1f);
  const pps = readSets(config, sps.end + 1, config[sps.end] ?? 0);
  return {
    lengthBytes: ((config[4] ?? 3) & 3) + 1,
    parameterSets: [...sps.sets, ...pps.sets],
  };
}

/** Reads an HEVCDecoderConfigurationRecord (§8.3.3.1); parameter sets that are cut off are left out. */
export function readHevcConfig(config: Uint8Array): NalConfig {
  const parameterSets: Uint8Array[] = [];
  let at = 23;
  for (let array = config[22] ?? 0; array > 0 && at < config.length; array--) {
    const { sets, end } = readSets(config, at + 3, uint16(config, at + 1));
    parameterSets.push(...sets);
    at = end;
  }
  return { lengthBytes: ((config[21] ?? 3) & 3) + 1, parameterSets };
}

/** `count` NAL units behind lengths of 16 bits, as far as they are there. */
function readSets(config: Uint8Array, from: number, count: number) {
  const sets: Uint8Array[] = [];
  let end = from;
  for (let set = 0; set < count && end < config.length; set++) {
    const start = end + 2;
    end = start + uint16(config, end);
    if (end > start) sets.push(config.slice(start, end));
  }
  return { sets, end };
}
