/** Turns a sample of a file format into what a decoder takes, and finds out whether decoding can begin there. */
import { annexB, findStartCode } from "../../media/annex-b.ts";
import { readAv1Sample } from "../../media/av1.ts";
import { concatBytes } from "../../media/bytes.ts";
import type { VideoPacket } from "../../media/encoded-packet.ts";
import { H264NalReader } from "../../media/h264.ts";
import { HevcNalReader } from "../../media/hevc.ts";
import { type NalReader, SLICE_HEADER_BYTES } from "../../media/nal-reader.ts";
import { isVp8Hidden, isVp8KeyFrame } from "../../media/vp8.ts";
import { isVp9KeyFrame } from "../../media/vp9.ts";
import type { VideoEntry } from "./sample-entry.ts";

/** The parts of a packet that a sample says by itself. */
export type CodedPicture = Pick<VideoPacket, "codec" | "data" | "keyFrame" | "hidden">;

/** NAL units in front of the first slice of a picture. */
const MAX_PREFIXES = 64;

/** Slices are read without their parameter sets, so these readers remember nothing. */
const SLICES: Readonly<Record<"h264" | "hevc", NalReader>> = {
  h264: new H264NalReader(),
  hevc: new HevcNalReader(),
};

/**
 * The picture that a sample holds, with a copy of its data. Many senders leave the flags of samples at their
 * default, "sync" for all or for none, so the sample itself decides whether it is a key frame; `flagged`, what the
 * container says, only counts for an I slice that is not IDR.
 */
export function codedPicture(entry: VideoEntry, data: Uint8Array, flagged: boolean): CodedPicture {
  const { codec } = entry;
  switch (codec) {
    case "h264":
    case "hevc":
      return nalPicture(codec, entry, data, flagged);
    case "vp8":
      return {
        codec,
        data: data.slice(),
        keyFrame: isVp8KeyFrame(data),
        ...(isVp8Hidden(data) && { hidden: true }),
      };
    case "vp9":
      return { codec, data: data.slice(), keyFrame: isVp9KeyFrame(data) };
    case "av1": {
      const { keyFrame, hasSequenceHeader } = readAv1Sample(data);
      const isWhole = hasSequenceHeader || !keyFrame || entry.parameterSets.length === 0;
      return {
        codec,
        data: isWhole ? data.slice() : concatBytes([...entry.parameterSets, data]),
        keyFrame,
      };
    }
  }
}

function nalPicture(
  codec: "h264" | "hevc",
  { lengthBytes, parameterSets }: VideoEntry,
  data: Uint8Array,
  flagged: boolean,
): CodedPicture {
  const nals = lengthBytes > 0 ? prefixedNals(data, lengthBytes) : annexBNals(data);
  const keyFrame = isKeyFrame(SLICES[codec], nals, flagged);
  const sets = keyFrame ? parameterSets : [];
  if (lengthBytes > 0) return { codec, data: annexB(data, lengthBytes, sets), keyFrame };
  const parts = sets.flatMap((set) => [START_CODE, set]);
  return { codec, data: concatBytes([...parts, data]), keyFrame };
}

const START_CODE = Uint8Array.of(0, 0, 0, 1);

function isKeyFrame(reader: NalReader, nals: Iterable<Uint8Array>, flagged: boolean): boolean {
  for (const nal of nals) {
    if (!reader.isSlice(nal)) continue;
    const unit = reader.read(nal);
    return unit.role === "slice" && (unit.slice.randomAccess || (flagged && unit.slice.intra));
  }
  return false;
}

/** The beginnings of the NAL units of a sample with lengths. */
function* prefixedNals(data: Uint8Array, lengthBytes: number): Generator<Uint8Array> {
  for (let at = 0; at + lengthBytes < data.length; ) {
    let length = 0;
    for (let byte = 0; byte < lengthBytes; byte++) length = length * 256 + (data[at + byte] ?? 0);
    at += lengthBytes;
    yield data.subarray(at, at + Math.min(length, SLICE_HEADER_BYTES));
    at += length;
  }
}

/** The beginnings of the NAL units of a byte stream. */
function* annexBNals(data: Uint8Array): Generator<Uint8Array> {
  let code = findStartCode(data, 0);
  for (let count = 0; code >= 0 && count < MAX_PREFIXES; count++) {
    yield data.subarray(code + 3, code + 3 + SLICE_HEADER_BYTES);
    code = findStartCode(data, code + 3);
  }
}
