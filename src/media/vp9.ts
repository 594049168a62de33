/** Reads the uncompressed headers of VP9 frames (VP9 bitstream specification §6.2). */
import { BitReader } from "./bit-reader.ts";
import type { CodedSize } from "./nal-reader.ts";

/** Bytes of a frame that hold what is read. */
const HEADER_BYTES = 16;
const FRAME_MARKER = 2;
const SYNC_CODE = 0x498342;
const RGB = 7;

/** Whether the first frame of a superframe refers to no other. */
export const isVp9KeyFrame = (frame: Uint8Array): boolean => openKeyFrame(frame) !== null;

/** Size of a key frame; null for other frames. */
export function vp9CodedSize(frame: Uint8Array): CodedSize | null {
  const key = openKeyFrame(frame);
  if (!key) return null;
  const { bits, profile } = key;
  bits.skip(2); // shown, error resilient
  if (bits.bits(24) !== SYNC_CODE) return null;
  if (profile >= 2) bits.skip(1); // bit depth
  const hasSubsampling = profile === 1 || profile === 3;
  if (bits.bits(3) !== RGB) bits.skip(hasSubsampling ? 4 : 1);
  else if (hasSubsampling) bits.skip(1);
  const size = { width: bits.bits(16) + 1, height: bits.bits(16) + 1 };
  return bits.overrun ? null : size;
}

/** A reader behind the frame type of a key frame; null for other frames. */
function openKeyFrame(frame: Uint8Array): { bits: BitReader; profile: number } | null {
  const bits = new BitReader(frame.subarray(0, HEADER_BYTES));
  if (frame.length === 0 || bits.bits(2) !== FRAME_MARKER) return null;
  const profile = bits.bits(1) + 2 * bits.bits(1);
  if (profile === 3) bits.skip(1);
  const showsExisting = bits.flag();
  const isInter = bits.flag();
  return showsExisting || isInter || bits.overrun ? null : { bits, profile };
}
