/** Reads H.264 parameter sets and slice headers (ISO/IEC 14496-10 §7.3). */
import { unescapeNal } from "./annex-b.ts";
import { BitReader } from "./bit-reader.ts";
import {
  type CodedSize,
  type NalReader,
  type NalUnit,
  SLICE_HEADER_BYTES,
  type SliceHeader,
} from "./nal-reader.ts";
import { TICKS_PER_SECOND, type Ticks, ticks } from "./time.ts";

const SLICE = 1;
const PARTITION_A = 2;
const IDR = 5;
const SEI = 6;
const SPS = 7;
const PPS = 8;
const RECOVERY_POINT = 6;

/** Profiles whose SPS says more of the sample format. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const EXTENDED_ASPECT = 255;
const MAX_REORDER_DEPTH = 16;

interface Sps extends CodedSize {
  readonly frameNumBits: number;
  /** 0 where the picture order count is not coded in the slice as such. */
  readonly orderBits: number;
  readonly separatePlanes: boolean;
  readonly framesOnly: boolean;
  readonly frameDuration: Ticks | null;
  /** Null where the usability information does not say it. */
  readonly reorderDepth: number | null;
}

export class H264NalReader implements NalReader {
  readonly orderStep = 2;
  readonly #sps = new Map<number, Sps>();
  readonly #spsOfPps = new Map<number, number>();
  #frameDuration: Ticks | null = null;

  get frameDuration(): Ticks | null {
    return this.#frameDuration;
  }

  isSlice(nal: Uint8Array): boolean {
    const type = (nal[0] ?? 0) & 0x1f;
    return type === SLICE || type === PARTITION_A || type === IDR;
  }

  read(nal: Uint8Array): NalUnit {
    const type = (nal[0] ?? 0) & 0x1f;
    switch (type) {
      case SLICE:
      case PARTITION_A:
      case IDR:
        return { role: "slice", slice: this.#slice(nal, type) };
      case SPS:
        return { role: "prefix", parameterSet: this.#readSps(nal), recovery: false };
      case PPS:
        return { role: "prefix", parameterSet: this.#readPps(nal), recovery: false };
      case SEI:
        return { role: "prefix", parameterSet: null, recovery: hasRecoveryPoint(nal) };
      case 9:
      case 14:
      case 15:
      case 16:
      case 17:
      case 18:
        return { role: "prefix", parameterSet: null, recovery: false };
      default:
        return { role: "suffix" };
    }
  }

  #readSps(nal: Uint8Array): string | null {
    const found = readSps(nal);
    if (!found) return null;
    this.#sps.set(found.id, found.sps);
    this.#frameDuration = found.sps.frameDuration;
    return `sps ${found.id}`;
  }

  #readPps(nal: Uint8Array): string | null {
    const bits = new BitReader(unescapeNal(nal.subarray(1), SLICE_HEADER_BYTES));
    const id = bits.ue();
    const sps = bits.ue();
    if (bits.overrun || id > 255) return null;
    this.#spsOfPps.set(id, sps);
    return `pps ${id}`;
  }

  #slice(nal: Uint8Array, nalType: number): SliceHeader {
    const idr = nalType === IDR;
    const bits = new BitReader(unescapeNal(nal.subarray(1), SLICE_HEADER_BYTES));
    const first = bits.ue() === 0;
    const type = bits.ue() % 5;
    const pps = bits.ue();
    const common = { first, randomAccess: idr, intra: type === 2 || type === 4, resetsOrder: idr };
    const sps = this.#sps.get(this.#spsOfPps.get(pps) ?? -1);
    if (!sps)
      return { ...common, order: null, orderBits: 0, field: null, picture: null, frame: -1 };
    if (sps.separatePlanes) bits.skip(2);
    const frame = bits.bits(sps.frameNumBits);
    const isField = !sps.framesOnly && bits.flag();
    const field = isField ? (bits.flag() ? "bottom" : "top") : null;
    const idrId = idr ? bits.ue() : -1;
    const order = sps.orderBits > 0 ? bits.bits(sps.orderBits) : null;
    const reference = ((nal[0] ?? 0) & 0x60) !== 0;
    // The fields whose change begins another picture (§7.4.1.2.4).
    const picture = [pps, frame, field, idrId, order, reference].join();
    return { ...common, order, orderBits: sps.orderBits, field, picture, frame };
  }
}

/** Size of the pictures that follow an SPS; null if it cannot be read. */
export const h264CodedSize = (nal: Uint8Array): CodedSize | null =>
  ((nal[0] ?? 0) & 0x1f) === SPS ? (readSps(nal)?.sps ?? null) : null;

/** How deep an SPS says that its stream reorders; null if it does not say, or the NAL unit is not an SPS. */
export const h264ReorderDepth = (nal: Uint8Array): number | null =>
  ((nal[0] ?? 0) & 0x1f) === SPS ? (readSps(nal)?.sps.reorderDepth ?? null) : null;

function readSps(nal: Uint8Array): { id: number; sps: Sps } | null {
  const bits = new BitReader(unescapeNal(nal.subarray(1)));
  const profile = bits.bits(8);
  bits.skip(16);
  const id = bits.ue();
  let chroma = 1;
  let separatePlanes = false;
  if (HIGH_PROFILES.has(profile)) {
    chroma = bits.ue();
    if (chroma === 3) separatePlanes = bits.flag();
    bits.ue(); // bit depth of luma
    bits.ue(); // bit depth of chroma
    bits.skip(1);
    if (bits.flag()) skipScalingLists(bits, chroma === 3 ? 12 : 8);
  }
  const frameNumBits = bits.ue() + 4;
  const orderType = bits.ue();
  const orderBits = orderType === 0 ? bits.ue() + 4 : 0;
  if (orderType === 1) {
    bits.skip(1);
    bits.se();
    bits.se();
    for (let left = Math.min(bits.ue(), 255); left > 0; left--) bits.se();
  }
  bits.ue(); // reference frames
  bits.skip(1);
  const width = (bits.ue() + 1) * 16;
  const rows = bits.ue() + 1;
  const framesOnly = bits.flag();
  const height = rows * 16 * (framesOnly ? 1 : 2);
  if (!framesOnly) bits.skip(1);
  bits.skip(1);
  if (bits.flag()) for (let side = 0; side < 4; side++) bits.ue(); // cropping
  if (bits.overrun || frameNumBits > 16 || orderBits > 16 || id > 31) return null;
  const usability = bits.flag() ? readUsability(bits) : NO_USABILITY;
  const sps = { width, height, frameNumBits, orderBits, separatePlanes, framesOnly, ...usability };
  return { id, sps };
}

function skipScalingLists(bits: BitReader, count: number): void {
  for (let list = 0; list < count; list++) {
    if (!bits.flag()) continue;
    let next = 8;
    let last = 8;
    for (let left = list < 6 ? 16 : 64; left > 0; left--) {
      if (next !== 0) next = (last + bits.se() + 256) & 255;
      if (next !== 0) last = next;
    }
  }
}

const NO_USABILITY = { frameDuration: null, reorderDepth: null };

/** The fields of the VUI that matter here (Annex E.1.1). */
function readUsability(bits: BitReader): Pick<Sps, "frameDuration" | "reorderDepth"> {
  if (bits.flag() && bits.bits(8) === EXTENDED_ASPECT) bits.skip(32);
  if (bits.flag()) bits.skip(1); // overscan
  if (bits.flag()) {
    bits.skip(4);
    if (bits.flag()) bits.skip(24); // colour description
  }
  if (bits.flag()) {
    bits.ue(); // chroma location
    bits.ue();
  }
  const frameDuration = bits.flag() ? readTiming(bits) : null;
  const reorderDepth = readReorderDepth(bits);
  return { frameDuration, reorderDepth };
}

/** The duration of a frame: two clock ticks, one for each field. */
function readTiming(bits: BitReader): Ticks | null {
  const units = bits.bits(32);
  const scale = bits.bits(32);
  bits.skip(1); // fixed rate
  const seconds = (2 * units) / scale;
  return bits.overrun || !isFrameDuration(seconds) ? null : ticks(seconds * TICKS_PER_SECOND);
}

/** `max_num_reorder_frames`, behind the parameters of hypothetical decoders. */
function readReorderDepth(bits: BitReader): number | null {
  const hasNalHrd = bits.flag();
  if (hasNalHrd) skipHrd(bits);
  const hasVclHrd = bits.flag();
  if (hasVclHrd) skipHrd(bits);
  if (hasNalHrd || hasVclHrd) bits.skip(1); // low delay
  bits.skip(1); // picture structure
  if (!bits.flag()) return null;
  bits.skip(1); // vectors over picture boundaries
  for (let field = 0; field < 4; field++) bits.ue();
  const depth = bits.ue();
  return bits.overrun || depth > MAX_REORDER_DEPTH ? null : depth;
}

function skipHrd(bits: BitReader): void {
  const count = Math.min(bits.ue(), 31) + 1;
  bits.skip(8); // scales
  for (let left = count; left > 0; left--) {
    bits.ue();
    bits.ue();
    bits.skip(1);
  }
  bits.skip(20); // lengths
}

/** Between 1 and 240 frames a second; anything else means that the field is unset. */
const isFrameDuration = (seconds: number): boolean => seconds >= 1 / 240 && seconds <= 1;

/** SEI messages of a NAL unit (§7.3.2.3.1): one of them marks a point where decoding may begin. */
function hasRecoveryPoint(nal: Uint8Array): boolean {
  const bytes = unescapeNal(nal);
  let at = 1;
  const coded = (): number => {
    let value = 0;
    while (bytes[at] === 0xff) {
      value += 255;
      at++;
    }
    return value + (bytes[at++] ?? 0);
  };
  while (at + 2 < bytes.length) {
    const type = coded();
    const size = coded();
    if (type === RECOVERY_POINT) return true;
    at += size;
  }
  return false;
}
