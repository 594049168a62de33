/** Reads the headers of VP8 frames (RFC 6386 §9.1). */
import type { CodedSize } from "./nal-reader.ts";

/** Whether the frame refers to no other. */
export const isVp8KeyFrame = (frame: Uint8Array): boolean =>
  frame.length > 0 && ((frame[0] ?? 1) & 1) === 0;

/** Whether the frame is decoded for reference only: no picture comes out. */
export const isVp8Hidden = (frame: Uint8Array): boolean =>
  frame.length > 0 && ((frame[0] ?? 0) & 0x10) === 0;

/** Size of a key frame; null for other frames. */
export function vp8CodedSize(frame: Uint8Array): CodedSize | null {
  const hasStartCode = frame[3] === 0x9d && frame[4] === 0x01 && frame[5] === 0x2a;
  if (!isVp8KeyFrame(frame) || !hasStartCode || frame.length < 10) return null;
  const size = (at: number): number => (((frame[at + 1] ?? 0) << 8) | (frame[at] ?? 0)) & 0x3fff;
  return { width: size(6), height: size(8) };
}
