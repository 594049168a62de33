/** Tells what an elementary stream of a program map carries, by its stream type and its descriptors. */
import type { InputAudioCodec } from "../../../media/encoded-packet.ts";

export interface TsVideoTrack {
  readonly kind: "video";
  readonly pid: number;
  readonly codec: "h264" | "hevc";
}

export interface TsAudioTrack {
  readonly kind: "audio";
  readonly pid: number;
  /** The frames themselves may turn out to be MP3 for MP2, or E-AC-3 for AC-3. */
  readonly codec: InputAudioCodec;
  /** Channel code of the Opus extension descriptor (ETSI TS 103 491); 0 is dual mono. */
  readonly opusChannels: number;
}

/** A stream that is announced and cannot be read. */
export interface TsUnsupportedTrack {
  readonly kind: "unsupported";
  readonly pid: number;
  readonly media: "video" | "audio";
  /** The codec's name, for messages. */
  readonly codec: string;
}

export type TsTrack = TsVideoTrack | TsAudioTrack | TsUnsupportedTrack;

const PRIVATE_DATA = 0x06;
const VIDEO_TYPES: Readonly<Record<number, TsVideoTrack["codec"]>> = { 27: "h264", 36: "hevc" };
/** ISO/IEC 13818-1 table 2-34; 0x80 and above as ATSC and Blu-ray assign them. */
const AUDIO_TYPES: Readonly<Record<number, InputAudioCodec>> = {
  3: "mp2",
  4: "mp2",
  15: "aac",
  17: "aac_latm",
  129: "ac3",
  132: "eac3",
  135: "eac3",
  161: "eac3",
};
const UNSUPPORTED_VIDEO: Readonly<Record<number, string>> = {
  1: "MPEG-1",
  2: "MPEG-2",
  16: "MPEG-4 Visual",
  33: "JPEG 2000",
  51: "H.266",
  66: "AVS",
  209: "Dirac",
  210: "AVS2",
  212: "AVS3",
  219: "encrypted H.264",
  234: "VC-1",
};
const UNSUPPORTED_AUDIO: Readonly<Record<number, string>> = {
  28: "AAC without framing",
  45: "MPEG-H",
  46: "MPEG-H",
  128: "Blu-ray PCM",
  130: "DTS",
  131: "TrueHD",
  133: "DTS-HD",
  134: "DTS-HD",
  138: "DTS",
  193: "encrypted AC-3",
  194: "encrypted E-AC-3",
  207: "encrypted AAC",
};

/** What private data is, by the four characters of its registration descriptor (SMPTE RA). */
const REGISTERED_AUDIO: Readonly<Record<string, InputAudioCodec>> = {
  "AC-3": "ac3",
  EAC3: "eac3",
  Opus: "opus",
};
const REGISTERED_VIDEO: Readonly<Record<string, TsVideoTrack["codec"]>> = {
  HEVC: "hevc",
  H264: "h264",
};
const REGISTERED_UNSUPPORTED: Readonly<Record<string, readonly ["video" | "audio", string]>> = {
  BSSD: ["audio", "SMPTE 302M"],
  DTS1: ["audio", "DTS"],
  DTS2: ["audio", "DTS"],
  DTS3: ["audio", "DTS"],
  "AC-4": ["audio", "AC-4"],
  AV01: ["video", "AV1"],
  "VC-1": ["video", "VC-1"],
  drac: ["video", "Dirac"],
};
/** What private data is, by the DVB descriptor it carries (ETSI EN 300 468 §6.1). */
const DVB_AUDIO: Readonly<Record<number, InputAudioCodec>> = { 106: "ac3", 122: "eac3" };
const DVB_DTS = 0x7b;

const REGISTRATION_DESCRIPTOR = 0x05;
const EXTENSION_DESCRIPTOR = 0x7f;
const OPUS_EXTENSION = 0x80;
const AC4_EXTENSION = 0x15;

/** The track of one entry of a program map; null if it is neither video nor audio, as far as one can tell. */
export function trackOf(type: number, pid: number, descriptors: Uint8Array): TsTrack | null {
  const videoCodec = VIDEO_TYPES[type];
  if (videoCodec) return { kind: "video", pid, codec: videoCodec };
  const audioCodec = AUDIO_TYPES[type];
  if (audioCodec) return { kind: "audio", pid, codec: audioCodec, opusChannels: 0 };
  if (UNSUPPORTED_VIDEO[type]) {
    return { kind: "unsupported", pid, media: "video", codec: UNSUPPORTED_VIDEO[type] };
  }
  if (UNSUPPORTED_AUDIO[type]) {
    return { kind: "unsupported", pid, media: "audio", codec: UNSUPPORTED_AUDIO[type] };
  }
  return type === PRIVATE_DATA ? privateTrack(pid, descriptors) : null;
}

function privateTrack(pid: number, descriptors: Uint8Array): TsTrack | null {
  let audio: InputAudioCodec | undefined;
  let video: TsVideoTrack["codec"] | undefined;
  let unsupported: readonly ["video" | "audio", string] | undefined;
  let opusChannels = 2;
  for (const { tag, body } of readDescriptors(descriptors)) {
    if (tag === REGISTRATION_DESCRIPTOR) {
      const name = String.fromCharCode(...body.subarray(0, 4));
      audio ??= REGISTERED_AUDIO[name];
      video ??= REGISTERED_VIDEO[name];
      unsupported ??= REGISTERED_UNSUPPORTED[name];
    } else if (tag === EXTENSION_DESCRIPTOR) {
      if (body[0] === OPUS_EXTENSION) opusChannels = body[1] ?? 2;
      if (body[0] === AC4_EXTENSION) unsupported ??= ["audio", "AC-4"];
    } else if (tag === DVB_DTS) {
      unsupported ??= ["audio", "DTS"];
    }
    audio ??= DVB_AUDIO[tag];
  }
  if (audio) return { kind: "audio", pid, codec: audio, opusChannels };
  if (video) return { kind: "video", pid, codec: video };
  if (unsupported) {
    const [media, codec] = unsupported;
    return { kind: "unsupported", pid, media, codec };
  }
  return null;
}

function* readDescriptors(bytes: Uint8Array): Generator<{ tag: number; body: Uint8Array }> {
  for (let at = 0; at + 2 <= bytes.length; at += 2 + (bytes[at + 1] ?? 0)) {
    yield { tag: bytes[at] ?? 0, body: bytes.subarray(at + 2, at + 2 + (bytes[at + 1] ?? 0)) };
  }
}
