/** Reads the size of coded pictures from a key frame or the parameter sets before it. */
import { findStartCode } from "./annex-b.ts";
import { av1CodedSize } from "./av1.ts";
import type { VideoCodec } from "./encoded-packet.ts";
import { h264CodedSize } from "./h264.ts";
import { hevcCodedSize } from "./hevc.ts";
import type { CodedSize } from "./nal-reader.ts";
import { vp8CodedSize } from "./vp8.ts";
import { vp9CodedSize } from "./vp9.ts";

/** Parameter sets are among the first NAL units. */
const MAX_NALS = 32;

type SizeReader = (bytes: Uint8Array) => CodedSize | null;

const READERS: Readonly<Record<VideoCodec, SizeReader>> = {
  h264: (unit) => largestOf(unit, h264CodedSize),
  hevc: (unit) => largestOf(unit, hevcCodedSize),
  vp8: vp8CodedSize,
  vp9: vp9CodedSize,
  av1: av1CodedSize,
};

/** Width and height of the coded picture, before cropping. Null if the access unit does not say. */
export const codedSizeOf = (codec: VideoCodec, accessUnit: Uint8Array): CodedSize | null =>
  READERS[codec](accessUnit);

/** The larger size if there are several parameter sets. */
function largestOf(accessUnit: Uint8Array, read: SizeReader): CodedSize | null {
  let largest: CodedSize | null = null;
  let code = findStartCode(accessUnit, 0);
  for (let count = 0; code >= 0 && count < MAX_NALS; count++) {
    const next = findStartCode(accessUnit, code + 3);
    const size = read(accessUnit.subarray(code + 3, next < 0 ? undefined : next));
    if (size && size.width * size.height > pixels(largest)) largest = size;
    code = next;
  }
  return largest;
}

const pixels = (size: CodedSize | null): number => (size ? size.width * size.height : 0);
