/** Reads the program tables of a transport stream: which programs there are and what they carry (ISO/IEC 13818-1 §2.4.4). */
import { type TsTrack, trackOf } from "./stream-types.ts";

const PROGRAM_ASSOCIATION_TABLE = 0;
const PROGRAM_MAP_TABLE = 2;

/** One section of a program association table. */
export interface PatSection {
  readonly version: number;
  readonly section: number;
  readonly lastSection: number;
  readonly programs: readonly { readonly program: number; readonly mapPid: number }[];
}

/** The map of one program. */
export interface ProgramMap {
  readonly program: number;
  /** Streams of unknown types are left out. */
  readonly tracks: readonly TsTrack[];
}

/** Null if the section is not a PAT, or not valid yet. */
export function readPat(bytes: Uint8Array): PatSection | null {
  if (bytes[0] !== PROGRAM_ASSOCIATION_TABLE || !isCurrent(bytes)) return null;
  const programs: { program: number; mapPid: number }[] = [];
  for (let at = 8; at + 4 <= sectionEnd(bytes); at += 4) {
    const program = word(bytes, at);
    // Program 0 is the network table.
    if (program !== 0) programs.push({ program, mapPid: word(bytes, at + 2) & 0x1fff });
  }
  const version = ((bytes[5] ?? 0) >> 1) & 0x1f;
  return { version, section: bytes[6] ?? 0, lastSection: bytes[7] ?? 0, programs };
}

/** Null if the section is not a PMT, or not valid yet. */
export function readPmt(bytes: Uint8Array): ProgramMap | null {
  if (bytes[0] !== PROGRAM_MAP_TABLE || !isCurrent(bytes)) return null;
  const end = sectionEnd(bytes);
  const tracks: TsTrack[] = [];
  let at = 12 + (word(bytes, 10) & 0x0fff);
  while (at + 5 <= end) {
    const type = bytes[at] ?? 0;
    const pid = word(bytes, at + 1) & 0x1fff;
    const length = word(bytes, at + 3) & 0x0fff;
    const track = trackOf(type, pid, bytes.subarray(at + 5, at + 5 + length));
    if (track) tracks.push(track);
    at += 5 + length;
  }
  return { program: word(bytes, 3), tracks };
}

/** Tables may be sent before they become valid (`current_next_indicator`). */
const isCurrent = (bytes: Uint8Array): boolean => ((bytes[5] ?? 0) & 1) === 1;

/** Where the section's entries end and its CRC begins. */
const sectionEnd = (bytes: Uint8Array): number => 3 + (word(bytes, 1) & 0x0fff) - 4;

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
