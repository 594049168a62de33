/** Reads H.265 parameter sets and slice headers (ISO/IEC 23008-2 §7.3). */
import { unescapeNal } from "./annex-b.ts";
import { BitReader } from "./bit-reader.ts";
import {
  type CodedSize,
  type NalReader,
  type NalUnit,
  SLICE_HEADER_BYTES,
  type SliceHeader,
} from "./nal-reader.ts";

const IRAP_FIRST = 16;
const BLA_LAST = 18;
const IDR_FIRST = 19;
const IDR_LAST = 20;
const IRAP_LAST = 23;
const LAST_SLICE = 31;
const MAX_REORDER_DEPTH = 16;
const VPS = 32;
const SPS = 33;
const PPS = 34;
/** Delimiter, prefix SEI, and the types that are reserved for what comes before a picture (§7.4.2.4.4). */
const PREFIXES = new Set([35, 39, 41, 42, 43, 44, 48, 49, 50, 51, 52, 53, 54, 55]);

interface Sps extends CodedSize {
  readonly orderBits: number;
  /** Null if it cannot be read. */
  readonly reorderDepth: number | null;
  readonly separatePlanes: boolean;
}

interface Pps {
  readonly sps: number;
  readonly outputFlag: boolean;
  readonly extraBits: number;
}

const SUFFIX: NalUnit = { role: "suffix" };

export class HevcNalReader implements NalReader {
  readonly orderStep = 1;
  readonly frameDuration = null;
  readonly #sps = new Map<number, Sps>();
  readonly #pps = new Map<number, Pps>();

  isSlice(nal: Uint8Array): boolean {
    return (nal[0] ?? 0) >> 1 <= LAST_SLICE;
  }

  read(nal: Uint8Array): NalUnit {
    const type = ((nal[0] ?? 0) >> 1) & 0x3f;
    const layer = (((nal[0] ?? 0) & 1) << 5) | ((nal[1] ?? 0) >> 3);
    // Enhancement layers belong to the picture of the base layer.
    if (layer > 0) return SUFFIX;
    if (type <= LAST_SLICE) return { role: "slice", slice: this.#slice(nal, type) };
    const prefix = { role: "prefix", parameterSet: null, recovery: false } as const;
    if (type === VPS) return { ...prefix, parameterSet: `vps ${(nal[2] ?? 0) >> 4}` };
    if (type === SPS) return { ...prefix, parameterSet: this.#readSps(nal) };
    if (type === PPS) return { ...prefix, parameterSet: this.#readPps(nal) };
    return PREFIXES.has(type) ? prefix : SUFFIX;
  }

  #readSps(nal: Uint8Array): string | null {
    const found = readSps(nal);
    if (!found) return null;
    this.#sps.set(found.id, found.sps);
    return `sps ${found.id}`;
  }

  #readPps(nal: Uint8Array): string | null {
    const bits = new BitReader(unescapeNal(nal.subarray(2), SLICE_HEADER_BYTES));
    const id = bits.ue();
    const sps = bits.ue();
    bits.skip(1);
    const outputFlag = bits.flag();
    const extraBits = bits.bits(3);
    if (bits.overrun || id > 63) return null;
    this.#pps.set(id, { sps, outputFlag, extraBits });
    return `pps ${id}`;
  }

  #slice(nal: Uint8Array, type: number): SliceHeader {
    const bits = new BitReader(unescapeNal(nal.subarray(2), SLICE_HEADER_BYTES));
    const first = bits.flag();
    const irap = type >= IRAP_FIRST && type <= IRAP_LAST;
    const idr = type >= IDR_FIRST && type <= IDR_LAST;
    const bla = type >= IRAP_FIRST && type <= BLA_LAST;
    if (irap) bits.skip(1);
    const pps = this.#pps.get(bits.ue());
    const sps = this.#sps.get(pps?.sps ?? -1);
    let order: number | null = null;
    // Later slices carry an address before the order count; they are of the picture under way anyway.
    if (first && pps && sps) {
      bits.skip(pps.extraBits);
      bits.ue(); // slice type
      if (pps.outputFlag) bits.skip(1);
      if (sps.separatePlanes) bits.skip(2);
      order = idr ? 0 : bits.bits(sps.orderBits);
    }
    return {
      first,
      randomAccess: irap,
      intra: irap,
      resetsOrder: idr || bla,
      order,
      orderBits: sps?.orderBits ?? 0,
      field: null,
      picture: null,
      frame: -1,
    };
  }
}

/** Size of the pictures that follow an SPS; null if it cannot be read. */
export const hevcCodedSize = (nal: Uint8Array): CodedSize | null =>
  (((nal[0] ?? 0) >> 1) & 0x3f) === SPS ? (readSps(nal)?.sps ?? null) : null;

/** How deep an SPS says that its stream reorders; null if it cannot be read, or the NAL unit is not an SPS. */
export const hevcReorderDepth = (nal: Uint8Array): number | null =>
  (((nal[0] ?? 0) >> 1) & 0x3f) === SPS ? (readSps(nal)?.sps.reorderDepth ?? null) : null;

function readSps(nal: Uint8Array): { id: number; sps: Sps } | null {
  const bits = new BitReader(unescapeNal(nal.subarray(2)));
  bits.skip(4);
  const subLayers = bits.bits(3);
  bits.skip(1);
  skipProfile(bits, subLayers);
  const id = bits.ue();
  const separatePlanes = bits.ue() === 3 && bits.flag();
  const width = bits.ue();
  const height = bits.ue();
  if (bits.flag()) for (let side = 0; side < 4; side++) bits.ue(); // conformance window
  bits.ue(); // bit depth of luma
  bits.ue(); // bit depth of chroma
  const orderBits = bits.ue() + 4;
  if (bits.overrun || orderBits > 16 || id > 15) return null;
  const reorderDepth = readReorderDepth(bits, subLayers);
  return { id, sps: { width, height, orderBits, separatePlanes, reorderDepth } };
}

/** `sps_max_num_reorder_pics` of the highest temporal layer. */
function readReorderDepth(bits: BitReader, subLayers: number): number | null {
  const layers = bits.flag() ? subLayers + 1 : 1;
  let depth = 0;
  for (let layer = 0; layer < layers; layer++) {
    bits.ue(); // buffered pictures
    depth = bits.ue();
    bits.ue(); // latency
  }
  return bits.overrun || depth > MAX_REORDER_DEPTH ? null : depth;
}

/** Passes over `profile_tier_level()` (§7.3.3). */
function skipProfile(bits: BitReader, subLayers: number): void {
  bits.skip(96);
  const present: (readonly [profile: boolean, level: boolean])[] = [];
  for (let layer = 0; layer < subLayers; layer++) present.push([bits.flag(), bits.flag()]);
  if (subLayers > 0) bits.skip(2 * (8 - subLayers));
  for (const [profile, level] of present) bits.skip((profile ? 88 : 0) + (level ? 8 : 0));
}
