/** Reads what Matroska's codec IDs and private data say of a codec (Matroska codec mappings). */

import { splitNals } from "../../../media/annex-b.ts";
import type { AudioFormat, VideoCodec } from "../../../media/encoded-packet.ts";
import { type NalConfig, readAvcConfig, readHevcConfig } from "../../../media/nal-config.ts";
import { readOpusHead } from "../../../media/opus.ts";
import { aacEntry, flacEntry, opusEntry, type PlainCodec, plainEntry } from "../audio-configs.ts";
import type { SampleEntry, VideoEntry } from "../sample-entry.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

const VIDEO_CODECS: Readonly<Record<string, VideoCodec>> = {
  "V_MPEG4/ISO/AVC": "h264",
  "V_MPEGH/ISO/HEVC": "hevc",
  V_VP8: "vp8",
  V_VP9: "vp9",
  V_AV1: "av1",
};
/** By the beginning of the codec ID. */
const VIDEO_NAMES: Readonly<Record<string, string>> = {
  V_MPEG1: "MPEG-1",
  V_MPEG2: "MPEG-2",
  "V_MPEG4/ISO/": "MPEG-4 Visual",
  V_MPEG4: "MPEG-4 of Microsoft",
  "V_MPEGI/ISO/VVC": "H.266",
  V_MJPEG: "JPEG",
  V_THEORA: "Theora",
  V_PRORES: "ProRes",
  V_FFV1: "FFV1",
  V_UNCOMPRESSED: "uncompressed",
  V_QUICKTIME: "QuickTime",
  V_REAL: "RealVideo",
};

const PLAIN_CODECS: Readonly<Record<string, PlainCodec>> = {
  "A_MPEG/L1": "mp2",
  "A_MPEG/L2": "mp2",
  "A_MPEG/L3": "mp3",
  A_AC3: "ac3",
  A_EAC3: "eac3",
};
const AUDIO_NAMES: Readonly<Record<string, string>> = {
  A_PCM: "PCM",
  A_DTS: "DTS",
  A_TRUEHD: "TrueHD",
  A_MLP: "MLP",
  A_ALAC: "Apple Lossless",
  A_WAVPACK4: "WavPack",
  A_TTA1: "TTA",
  A_REAL: "RealAudio",
};

/** A `BITMAPINFOHEADER` has its codec's four characters here, a `WAVEFORMATEX` its number at its beginning. */
const FOURCC_AT = 16;
const FLAC_MAGIC_BYTES = 4;
const FLAC_BLOCK_HEADER_BYTES = 4;
/** A codec ID in a message. */
const MAX_NAME = 32;

/** `size` and `pixelAspect` as the track has them. */
export function readVideoCodec(
  id: string,
  config: Uint8Array | null,
  picture: Pick<VideoEntry, "width" | "height" | "pixelAspect">,
): SampleEntry {
  const codec = VIDEO_CODECS[id];
  if (codec) return { kind: "video", codec, ...picture, ...samplesOf(codec, config ?? NOTHING) };
  if (id === "V_MS/VFW/FOURCC") {
    const name = Buffer.from(config?.subarray(FOURCC_AT, FOURCC_AT + 4) ?? NOTHING);
    return unsupported(`${name.toString("latin1")} as in AVI`);
  }
  return unsupported(nameOf(id, VIDEO_NAMES));
}

export function readAudioCodec(
  id: string,
  config: Uint8Array | null,
  declared: Pick<AudioFormat, "sampleRate" | "channels">,
): SampleEntry {
  const plain = PLAIN_CODECS[id];
  if (plain) return plainEntry(plain, declared);
  if (id === "A_AAC" || id.startsWith("A_AAC/")) return aacEntry(config, declared);
  if (id === "A_OPUS") return opusEntry(config && readOpusHead(config), declared.channels);
  if (id === "A_FLAC") {
    const header = FLAC_MAGIC_BYTES + FLAC_BLOCK_HEADER_BYTES;
    return flacEntry((config ?? NOTHING).subarray(header)) ?? unsupported("FLAC without a header");
  }
  if (id === "A_VORBIS") {
    if (!config) return unsupported("Vorbis without its headers");
    const format = { codec: "vorbis" as const, ...declared, config: config.slice() };
    return { kind: "audio", format, frameSamples: 1024 };
  }
  return unsupported(nameOf(id, AUDIO_NAMES));
}

const unsupported = (codec: string): SampleEntry => ({
  kind: "unsupported",
  codec: printable(codec),
});

/** Text of a stranger, for a message. */
export const printable = (text: string): string =>
  text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_NAME);

function nameOf(id: string, names: Readonly<Record<string, string>>): string {
  const known = Object.entries(names).find(([start]) => id.startsWith(start));
  return known?.[1] ?? `"${id.slice(0, MAX_NAME - 2)}"`;
}

/**
 * How the samples of a codec are made. Browsers record H.264 as a byte stream, without the configuration that the
 * mapping asks for.
 */
function samplesOf(codec: VideoCodec, config: Uint8Array): NalConfig {
  if (codec === "av1") {
    const units = config.slice(4);
    return { lengthBytes: 0, parameterSets: units.length > 0 ? [units] : [] };
  }
  if (codec !== "h264" && codec !== "hevc") return { lengthBytes: 0, parameterSets: [] };
  const isRecord =
    config[0] === 1 || (codec === "hevc" && config.length >= 23 && !isAnnexB(config));
  if (!isRecord)
    return { lengthBytes: 0, parameterSets: splitNals(config).map((nal) => nal.slice()) };
  return codec === "h264" ? readAvcConfig(config) : readHevcConfig(config);
}

/** Old muxers leave the version of H.265's record at 0. */
const isAnnexB = ([a, b, c, d]: Uint8Array): boolean =>
  a === 0 && b === 0 && (c === 1 || (c === 0 && d === 1));
