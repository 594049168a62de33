/** Builds H.264 and H.265 NAL units with valid headers and noise as picture data. */
import { NalWriter } from "./nal-writer.ts";

/** Payload without start codes. */
const noise = (bytes: number): number[] => Array.from({ length: bytes }, () => 0x55);

export interface SpsOptions {
  /** Size in macroblocks. */
  readonly width?: number;
  readonly height?: number;
  /** Whether field coding is allowed. */
  readonly interlaced?: boolean;
  /** Frame rate in the VUI; default: no timing information. */
  readonly fps?: number;
}

export const AUD = Uint8Array.of(0, 0, 0, 1, 9, 0xf0);
const ORDER_BITS = 6;
const FRAME_NUM_BITS = 4;

/** A Main profile SPS with id 0. */
export function sps({ width = 20, height = 15, interlaced, fps }: SpsOptions = {}): Uint8Array {
  const bits = new NalWriter().bits(77, 8).bits(0, 8).bits(30, 8).ue(0);
  bits
    .ue(FRAME_NUM_BITS - 4)
    .ue(0)
    .ue(ORDER_BITS - 4);
  bits.ue(1).bits(0, 1);
  bits.ue(width - 1).ue(height / (interlaced ? 2 : 1) - 1);
  bits.bits(interlaced ? 0 : 1, 1);
  if (interlaced) bits.bits(0, 1);
  bits.bits(1, 1).bits(0, 1);
  bits.bits(fps ? 1 : 0, 1);
  if (fps)
    bits
      .bits(0, 4)
      .bits(1, 1)
      .bits(1, 32)
      .bits(2 * fps, 32)
      .bits(1, 1)
      .bits(0, 4);
  return bits.nal([0x67]);
}

export const pps = (): Uint8Array => new NalWriter().ue(0).ue(0).bits(0, 2).nal([0x68]);

/** An SEI message of one type, e.g. 6 for a recovery point. */
export const sei = (type: number): Uint8Array =>
  Uint8Array.of(0, 0, 0, 1, 6, type, 2, 0x84, 0x40, 0x80);

export interface SliceOptions {
  readonly idr?: boolean;
  readonly intra?: boolean;
  /** Its first macroblock. */
  readonly first?: number;
  readonly frameNum?: number;
  readonly order?: number;
  readonly field?: "top" | "bottom";
  readonly interlaced?: boolean;
  readonly reference?: boolean;
  readonly bytes?: number;
}

export function slice(options: SliceOptions = {}): Uint8Array {
  const { idr, intra = idr, first = 0, frameNum = 0, order = 0, bytes = 60 } = options;
  const { field, interlaced = field !== undefined, reference = true } = options;
  const bits = new NalWriter()
    .ue(first)
    .ue(intra ? 7 : 5)
    .ue(0)
    .bits(frameNum, FRAME_NUM_BITS);
  if (interlaced) bits.bits(field ? 1 : 0, 1);
  if (field) bits.bits(field === "bottom" ? 1 : 0, 1);
  if (idr) bits.ue(0);
  bits.bits(order % 2 ** ORDER_BITS, ORDER_BITS);
  return bits.nal([idr ? 0x65 : reference ? 0x41 : 0x01], noise(bytes));
}

const hevcHeader = (type: number): number[] => [type << 1, 1];

/** VPS, SPS and PPS with ids 0 for 320 × 240. */
export function hevcSets(width = 320, height = 240): Uint8Array[] {
  const profile = (bits: NalWriter): NalWriter =>
    bits.bits(0x21, 8).bits(0, 32).bits(0, 32).bits(0, 16).bits(93, 8);
  const vps = profile(new NalWriter().bits(0, 4).bits(3, 2).bits(0, 10).bits(0xffff, 16));
  const set = profile(new NalWriter().bits(0, 4).bits(0, 3).bits(1, 1));
  set
    .ue(0)
    .ue(1)
    .ue(width)
    .ue(height)
    .bits(0, 1)
    .ue(0)
    .ue(0)
    .ue(ORDER_BITS - 4);
  const picture = new NalWriter().ue(0).ue(0).bits(0, 1).bits(0, 1).bits(0, 3);
  return [vps.nal(hevcHeader(32)), set.nal(hevcHeader(33)), picture.nal(hevcHeader(34))];
}

/** An H.265 slice segment; `type` is its NAL unit type: 1 trailing, 19 IDR, 21 CRA, 9 RASL. */
export function hevcSlice(
  type: number,
  options: { first?: boolean; order?: number; bytes?: number } = {},
): Uint8Array {
  const { first = true, order = 0, bytes = 60 } = options;
  const bits = new NalWriter().bits(first ? 1 : 0, 1);
  const irap = type >= 16 && type <= 23;
  if (irap) bits.bits(0, 1);
  bits.ue(0);
  if (first) bits.ue(irap ? 2 : 1);
  else bits.bits(9, 7);
  if (first && type !== 19 && type !== 20) bits.bits(order % 2 ** ORDER_BITS, ORDER_BITS);
  return bits.nal(hevcHeader(type), noise(bytes));
}

export const HEVC_AUD = Uint8Array.of(0, 0, 0, 1, 35 << 1, 1, 0x50);
