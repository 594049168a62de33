/** Reads the audio sample entries of MP4 tracks and their codecs' configurations. */
import { findBox, uint16 } from "../../../media/boxes.ts";
import { readOpusBox } from "../../../media/opus.ts";
import { aacEntry, flacEntry, opusEntry, type PlainCodec, plainEntry } from "../audio-configs.ts";
import type { SampleEntry } from "../sample-entry.ts";
import { readEsds } from "./esds.ts";

/** Bytes in front of an entry's boxes; QuickTime's versions 1 and 2 have more fields. */
const FIELD_BYTES = [28, 44, 64];

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
  if (plain) return plainEntry(plain, declared(entry));
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

/** What the fields of an entry say. */
const declared = (entry: Uint8Array) => ({
  sampleRate: entryRate(entry),
  channels: entryChannels(entry),
});

const entryChannels = (entry: Uint8Array): number => uint16(entry, 16) || 2;
/** The integer part of a 16.16 number; 0 for rates that do not fit. */
const entryRate = (entry: Uint8Array): number => uint16(entry, 24) || 48_000;

/** What its `esds` box describes: AAC as a rule. */
function readMp4a(entry: Uint8Array): SampleEntry {
  const { object, specific } = readEsds(configBox(entry, "esds") ?? new Uint8Array(0));
  const plain = PLAIN_OBJECTS[object];
  if (plain) return plainEntry(plain, declared(entry));
  if (object !== 0 && !AAC_OBJECTS.has(object)) {
    const codec = OBJECT_NAMES[object] ?? `mp4a with object type ${object}`;
    return { kind: "unsupported", codec };
  }
  return aacEntry(specific, declared(entry));
}

function readOpus(entry: Uint8Array): SampleEntry {
  const box = configBox(entry, "dOps");
  return opusEntry(box && readOpusBox(box), entryChannels(entry));
}

/** Takes the STREAMINFO block of a `dfLa` box (FLAC in ISOBMFF §3.3.2). */
function readFlac(entry: Uint8Array): SampleEntry | null {
  const HEADERS = 4 + 4; // of the box and of the metadata block
  return flacEntry(configBox(entry, "dfLa")?.subarray(HEADERS) ?? new Uint8Array(0));
}
