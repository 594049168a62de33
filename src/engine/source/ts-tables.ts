/** Program tables of a transport stream: which PIDs carry what (ISO/IEC 13818-1 §2.4.4). */
import type { AudioCodec, VideoCodec } from "../../media/encoded-packet.ts";

/** One elementary stream we can use. */
export type TsTrack =
  | { readonly kind: "video"; readonly pid: number; readonly codec: VideoCodec }
  | {
      readonly kind: "audio";
      readonly pid: number;
      readonly codec: AudioCodec;
      /** From the Opus extension descriptor; 0 where the elementary stream tells it itself. */
      readonly channels: number;
    };

const PROGRAM_ASSOCIATION_TABLE = 0;
const PROGRAM_MAP_TABLE = 2;
const REGISTRATION_DESCRIPTOR = 0x05;
const EXTENSION_DESCRIPTOR = 0x7f;

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

function trackOf(type: number, pid: number, descriptors: Uint8Array): TsTrack | null {
  switch (type) {
    case 0x1b:
      return { kind: "video", pid, codec: "h264" };
    case 0x24:
      return { kind: "video", pid, codec: "hevc" };
    case 0x0f:
      return { kind: "audio", pid, codec: "aac", channels: 0 };
    case 0x06: {
      const channels = opusChannels(descriptors);
      return channels === null ? null : { kind: "audio", pid, codec: "opus", channels };
    }
    default:
      return null;
  }
}

/** Channel count of a private stream registered as Opus, or null if it is something else. */
function opusChannels(descriptors: Uint8Array): number | null {
  let registered = false;
  let channels = 2;
  for (let at = 0; at + 2 <= descriptors.length; at += 2 + (descriptors[at + 1] ?? 0)) {
    const tag = descriptors[at];
    const body = descriptors.subarray(at + 2, at + 2 + (descriptors[at + 1] ?? 0));
    if (tag === REGISTRATION_DESCRIPTOR && String.fromCharCode(...body.subarray(0, 4)) === "Opus") {
      registered = true;
    }
    if (tag === EXTENSION_DESCRIPTOR && body[0] === 0x80 && (body[1] ?? 0) > 0) {
      channels = body[1] ?? 2;
    }
  }
  return registered ? channels : null;
}

/** Where the section's entries end and its CRC begins. */
const sectionEnd = (section: Uint8Array): number => 3 + (word(section, 1) & 0x0fff) - 4;

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
