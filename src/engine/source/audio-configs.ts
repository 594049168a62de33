/** Builds what is known of an audio track from its codec's configuration, which MP4 and Matroska share. */
import { AAC_OBJECT, readAudioSpecificConfig } from "../../media/aac.ts";
import { BitReader } from "../../media/bit-reader.ts";
import type { AudioFormat } from "../../media/encoded-packet.ts";
import { readMpegAudioHeader } from "../../media/mpeg-audio.ts";
import { OPUS_SAMPLE_RATE, type OpusConfig, opusHead, opusMapping } from "../../media/opus.ts";
import type { AudioEntry } from "./sample-entry.ts";

/** What the container says of a track whose codec's configuration says nothing. */
type Declared = Pick<AudioFormat, "sampleRate" | "channels">;

/** A codec whose frames say everything. */
export type PlainCodec = "mp2" | "mp3" | "ac3" | "eac3";
/** Samples that a frame of such a codec lasts. */
const FRAME_SAMPLES: Readonly<Record<PlainCodec, number>> = {
  mp2: 1152,
  mp3: 1152,
  ac3: 1536,
  eac3: 1536,
};
const STREAMINFO_BYTES = 34;

export const plainEntry = (codec: PlainCodec, declared: Declared): AudioEntry => ({
  kind: "audio",
  format: { codec, ...declared },
  frameSamples: FRAME_SAMPLES[codec],
});

/** `specific`: AudioSpecificConfig, if there is one. */
export function aacEntry(specific: Uint8Array | null, declared: Declared): AudioEntry {
  const config = specific && readAudioSpecificConfig(specific);
  if (!config) {
    return { kind: "audio", format: { codec: "aac", ...declared }, frameSamples: 1024 };
  }
  const { sampleRate, channels, frameSamples } = config;
  const usual =
    config.objectType === AAC_OBJECT.lowComplexity &&
    config.channelConfiguration > 0 &&
    config.channelConfiguration <= 7 &&
    frameSamples === 1024 &&
    !config.sbr;
  const format = { codec: "aac" as const, sampleRate, channels };
  const own = usual ? format : { ...format, config: specific.slice() };
  return { kind: "audio", format: own, frameSamples };
}

/** `channels`: of a track without a configuration. */
export function opusEntry(config: OpusConfig | null, channels: number): AudioEntry {
  const known = config?.channels ?? Math.min(channels, 2);
  const format = { codec: "opus" as const, sampleRate: OPUS_SAMPLE_RATE, channels: known };
  const usual =
    !config || (config.gain === 0 && sameTable(config.mapping, opusMapping(config.channels)));
  const own = usual ? format : { ...format, config: opusHead(known, config.mapping, config.gain) };
  return { kind: "audio", format: own, frameSamples: 960 };
}

const sameTable = (a: OpusConfig["mapping"], b: OpusConfig["mapping"]): boolean =>
  a.family === b.family && a.table.join() === b.table.join();

/** `streamInfo`: the body of the STREAMINFO block. Null if it is damaged. */
export function flacEntry(streamInfo: Uint8Array): AudioEntry | null {
  const config = streamInfo.slice(0, STREAMINFO_BYTES);
  if (config.length !== STREAMINFO_BYTES) return null;
  const reader = new BitReader(config);
  reader.skip(16);
  const frameSamples = reader.bits(16) || 4096;
  reader.skip(24 + 24);
  const sampleRate = reader.bits(20);
  const channels = reader.bits(3) + 1;
  if (sampleRate === 0) return null;
  return { kind: "audio", format: { codec: "flac", sampleRate, channels, config }, frameSamples };
}

/** The format of one frame. Containers have one name for all layers of MPEG audio: frames tell which. */
export function formatOfFrame(format: AudioFormat, frame: Uint8Array): AudioFormat {
  const isMpeg = format.codec === "mp3" || format.codec === "mp2";
  const header = isMpeg ? readMpegAudioHeader(frame, 0) : null;
  if (!header) return format;
  const { layer, sampleRate, channels } = header;
  return { codec: layer === 3 ? "mp3" : "mp2", sampleRate, channels };
}
