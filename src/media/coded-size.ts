/** Reads the size of coded pictures from the parameter sets before them. */
import { findStartCode } from "./annex-b.ts";
import type { VideoCodec } from "./encoded-packet.ts";
import { h264CodedSize } from "./h264.ts";
import { hevcCodedSize } from "./hevc.ts";
import type { CodedSize } from "./nal-reader.ts";

/** Parameter sets are among the first NAL units. */
const MAX_NALS = 32;

/**
 * Width and height of the coded picture, before cropping; the larger one if there are several parameter
 * sets. Null if the access unit has none, or if the codec has no parameter sets.
 */
export function codedSizeOf(codec: VideoCodec, accessUnit: Uint8Array): CodedSize | null {
  if (codec !== "h264" && codec !== "hevc") return null;
  const read = codec === "h264" ? h264CodedSize : hevcCodedSize;
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
