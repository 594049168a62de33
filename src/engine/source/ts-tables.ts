/** Program tables of a transport stream: which PIDs carry what (ISO/IEC 13818-1 §2.4.4). */
import { type TsTrack, trackOf } from "./ts-stream-types.ts";

const PROGRAM_ASSOCIATION_TABLE = 0;
const PROGRAM_MAP_TABLE = 2;

/** PID of the first program's map, or null if this section is no PAT. */
export function readPat(section: Uint8Array): number | null {
  if (section[0] !== PROGRAM_ASSOCIATION_TABLE) return null;
  const end = sectionEnd(section);
  for (let at = 8; at + 4 <= end; at += 4) {
    const program = word(section, at);
    if (program !== 0) return word(section, at + 2) & 0x1fff;
  }
  return null;
}

/** The tracks of a program map, unknown types left out, or null if this section is no PMT. */
export function readPmt(section: Uint8Array): TsTrack[] | null {
  if (section[0] !== PROGRAM_MAP_TABLE) return null;
  const end = sectionEnd(section);
  const tracks: TsTrack[] = [];
  let at = 12 + (word(section, 10) & 0x0fff);
  while (at + 5 <= end) {
    const type = section[at] ?? 0;
    const pid = word(section, at + 1) & 0x1fff;
    const length = word(section, at + 3) & 0x0fff;
    const track = trackOf(type, pid, section.subarray(at + 5, at + 5 + length));
    if (track) tracks.push(track);
    at += 5 + length;
  }
  return tracks;
}

/** Where the section's entries end and its CRC begins. */
const sectionEnd = (section: Uint8Array): number => 3 + (word(section, 1) & 0x0fff) - 4;

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
