/** Reads the sample entries of MP4 tracks: which codec, and what its decoder must know (ISO/IEC 14496-12 §8.5.2). */
import { boxType, findBox, uint16, uint32 } from "../../../media/boxes.ts";
import type { PixelAspect } from "../../../media/display.ts";
import type { VideoCodec } from "../../../media/encoded-packet.ts";
import { readAvcConfig, readHevcConfig } from "../../../media/nal-config.ts";
import type { SampleEntry } from "../sample-entry.ts";
import { readAudioEntry } from "./audio-entries.ts";
import { readEsds } from "./esds.ts";

/** Fields of a visual sample entry in front of its boxes. */
const VISUAL_FIELDS = 78;

const RAW_CODECS: Readonly<Record<string, VideoCodec>> = { vp08: "vp8", vp09: "vp9", av01: "av1" };
const H264_ENTRIES = new Set(["avc1", "avc3", "dva1", "dvav"]);
const H265_ENTRIES = new Set(["hvc1", "hev1", "dvh1", "dvhe"]);
const VIDEO_NAMES: Readonly<Record<string, string>> = {
  s263: "H.263",
  vvc1: "H.266",
  vvi1: "H.266",
  mjpg: "JPEG",
  jpeg: "JPEG",
};

/** Object type indications in the `esds` box of an `mp4v` entry (MP4 registration authority). */
const VIDEO_OBJECTS: ReadonlyMap<number, string> = new Map([
  [0x00, "MPEG-4 Visual"],
  [0x20, "MPEG-4 Visual"],
  [0x21, "H.264 in an mp4v entry"],
  [0x23, "H.265 in an mp4v entry"],
  ...[0x60, 0x61, 0x62, 0x63, 0x64, 0x65].map((object) => [object, "MPEG-2"] as const),
  [0x6a, "MPEG-1"],
  [0x6c, "JPEG"],
  [0x6d, "PNG"],
  [0x6e, "JPEG 2000"],
  [0xa3, "VC-1"],
  [0xa4, "Dirac"],
]);

/** Reads one entry of an `stsd` box; `type` is that of the entry's box. */
export function readSampleEntry(
  media: "video" | "audio",
  type: string,
  entry: Uint8Array,
): SampleEntry {
  if (type === "encv" || type === "enca") {
    return { kind: "unsupported", codec: encryptionOf(entry) };
  }
  return media === "audio" ? readAudioEntry(type, entry) : readVideoEntry(type, entry);
}

function readVideoEntry(type: string, entry: Uint8Array): SampleEntry {
  const boxes = entry.subarray(VISUAL_FIELDS);
  const common = {
    kind: "video",
    width: uint16(entry, 24),
    height: uint16(entry, 26),
    pixelAspect: readPixelAspect(boxes),
  } as const;
  const raw = RAW_CODECS[type];
  if (raw) return { ...common, codec: raw, lengthBytes: 0, parameterSets: av1Sets(boxes) };
  const avc = H264_ENTRIES.has(type) ? findBox(boxes, "avcC") : null;
  if (avc) return { ...common, codec: "h264", ...readAvcConfig(avc) };
  const hevc = H265_ENTRIES.has(type) ? findBox(boxes, "hvcC") : null;
  if (hevc) return { ...common, codec: "hevc", ...readHevcConfig(hevc) };
  const codec = type === "mp4v" ? objectName(boxes) : VIDEO_NAMES[type];
  return { kind: "unsupported", codec: codec ?? `"${type}"` };
}

/** The sequence header in an `av1C` box (AV1 in ISOBMFF §2.3); other codecs have no such box. */
function av1Sets(boxes: Uint8Array): readonly Uint8Array[] {
  const units = findBox(boxes, "av1C")?.slice(4);
  return units && units.length > 0 ? [units] : [];
}

/** The codec that the `esds` box of an `mp4v` entry names. */
function objectName(boxes: Uint8Array): string {
  const { object } = readEsds(findBox(boxes, "esds") ?? new Uint8Array(0));
  return VIDEO_OBJECTS.get(object) ?? `mp4v with object type 0x${object.toString(16)}`;
}

/** Null where the box is absent or invalid. */
function readPixelAspect(boxes: Uint8Array): PixelAspect | null {
  const pasp = findBox(boxes, "pasp");
  if (!pasp) return null;
  const [width, height] = [uint32(pasp, 0), uint32(pasp, 4)];
  return width > 0 && height > 0 ? { width, height } : null;
}

/** What an entry that is encrypted says of itself: `encrypted avc1 (cenc)`. */
function encryptionOf(entry: Uint8Array): string {
  const sinf = Buffer.from(entry.buffer, entry.byteOffset, entry.length).indexOf("sinf");
  const boxes = sinf < 0 ? new Uint8Array(0) : entry.subarray(sinf + 4);
  const original = findBox(boxes, "frma");
  const scheme = findBox(boxes, "schm");
  const codec = original ? `encrypted ${boxType(original, 0)}` : "encrypted";
  return scheme ? `${codec} (${boxType(scheme, 4)})` : codec;
}
