/** Reads the audio sample entries of MP4 tracks and their codecs' configurations. */
import { AAC_OBJECT, readAudioSpecificConfig } from "../../media/aac.ts";
import { BitReader } from "../../media/bit-reader.ts";
import { findBox, uint16 } from "../../media/boxes.ts";
import { OPUS_SAMPLE_RATE, opusHead, opusMapping, readOpusBox } from "../../media/opus.ts";
import { readEsds } from "./mp4-esds.ts";
import type { AudioEntry, SampleEntry } from "./mp4-track.ts";

/** Bytes in front of an entry's boxes; QuickTime's versions 1 and 2 have more fields. */
const FIELD_BYTES = [28, 44, 64];

type PlainCodec = "mp3" | "ac3" | "eac3";
/** Samples that a frame of a codec without a configuration lasts. */
const FRAME_SAMPLES: Readonly<Record<PlainCodec, number>> = { mp3: 1152, ac3: 1536, eac3: 1536 };

/** Object type indications of an `esds` box (MP4 registration authority). */
const AAC_OBJECTS = new Set([0x40, 0x66, 0x67, 0x68]);
const PLAIN_OBJECTS: Readonly<Record<number, PlainCodec>> = {
  105: "mp3",
  107: "mp3",
  165: "ac3",
  166: "eac3",
};
const OBJECT_NAMES: Readonly<Record<number, string>> = { 169: "DTS", 221: "Vorbis" };

const PLAIN_ENTRIES: Readonly<Record<string, PlainCodec>> = {
  ".mp3": "mp3",
  "ac-3": "ac3",
  "ec-3": "eac3",
};
const ENTRY_NAMES: Readonly<Record<string, string>> = {
  "ac-4": "AC-4",
  alac: "Apple Lossless",
  dtsc: "DTS",
  dtse: "DTS",
  dtsh: "DTS-HD",
  dtsl: "DTS-HD",
  dtsx: "DTS:X",
  fpcm: "PCM",
  ipcm: "PCM",
  lpcm: "PCM",
  mha1: "MPEG-H",
  mhm1: "MPEG-H",
  mlpa: "TrueHD",
  samr: "AMR",
  sawb: "AMR-WB",
  sowt: "PCM",
  twos: "PCM",
};

const READERS: Readonly<Record<string, (entry: Uint8Array) => SampleEntry | null>> = {
  mp4a: readMp4a,
  Opus: readOpus,
  fLaC: readFlac,
};

/** The codec and its configuration; `type` is that of the entry's box. */
export function readAudioEntry(type: string, entry: Uint8Array): SampleEntry {
  const plain = PLAIN_ENTRIES[type];
  if (plain) return plainEntry(plain, entry);
  return READERS[type]?.(entry) ?? { kind: "unsupported", codec: ENTRY_NAMES[type] ?? `"${type}"` };
}

/** The first box of this type in an entry of any version. */
function configBox(entry: Uint8Array, type: string): Uint8Array | null {
  for (const bytes of FIELD_BYTES) {
    const boxes = entry.subarray(bytes);
    const found = findBox(boxes, type) ?? findBox(boxes, "wave", type);
    if (found) return found;
  }
  return null;
}

/** A codec whose frames say everything. */
const plainEntry = (codec: PlainCodec, entry: Uint8Array): AudioEntry => ({
  kind: "audio",
  format: { codec, sampleRate: entryRate(entry), channels: entryChannels(entry) },
  frameSamples: FRAME_SAMPLES[codec],
});

const entryChannels = (entry: Uint8Array): number => uint16(entry, 16) || 2;
/** The integer part of a 16.16 number; 0 for rates that do not fit. */
const entryRate = (entry: Uint8Array): number => uint16(entry, 24) || 48_000;

/** What its `esds` box describes: AAC as a rule. */
function readMp4a(entry: Uint8Array): SampleEntry {
  const { object, specific } = readEsds(configBox(entry, "esds") ?? new Uint8Array(0));
  const plain = PLAIN_OBJECTS[object];
  if (plain) return plainEntry(plain, entry);
  if (object !== 0 && !AAC_OBJECTS.has(object)) {
    const codec = OBJECT_NAMES[object] ?? `mp4a with object type ${object}`;
    return { kind: "unsupported", codec };
  }
  const config = specific && readAudioSpecificConfig(specific);
  if (!config) {
    const format = { sampleRate: entryRate(entry), channels: entryChannels(entry) };
    return { kind: "audio", format: { codec: "aac", ...format }, frameSamples: 1024 };
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

function readOpus(entry: Uint8Array): SampleEntry {
  const box = configBox(entry, "dOps");
  const config = box && readOpusBox(box);
  const channels = config?.channels ?? Math.min(entryChannels(entry), 2);
  const format = { codec: "opus" as const, sampleRate: OPUS_SAMPLE_RATE, channels };
  const usual =
    !config || (config.gain === 0 && sameTable(config.mapping, opusMapping(config.channels)));
  const own = usual
    ? format
    : { ...format, config: opusHead(channels, config.mapping, config.gain) };
  return { kind: "audio", format: own, frameSamples: 960 };
}

const sameTable = (a: ReturnType<typeof opusMapping>, b: ReturnType<typeof opusMapping>): boolean =>
  a.family === b.family && a.table.join() === b.table.join();

/** The STREAMINFO block of a `dfLa` box (FLAC in ISOBMFF §3.3.2). */
function readFlac(entry: Uint8Array): SampleEntry | null {
  const HEADERS = 4 + 4; // of the box and of the metadata block
  const config = configBox(entry, "dfLa")?.slice(HEADERS, HEADERS + 34);
  if (config?.length !== 34) return null;
  const reader = new BitReader(config);
  reader.skip(16);
  const frameSamples = reader.bits(16) || 4096;
  reader.skip(24 + 24);
  const sampleRate = reader.bits(20);
  const channels = reader.bits(3) + 1;
  if (sampleRate === 0) return null;
  return { kind: "audio", format: { codec: "flac", sampleRate, channels, config }, frameSamples };
}
