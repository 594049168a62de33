/** Reads the open bitstream units of AV1 (AV1 bitstream specification §5). */
import { BitReader } from "./bit-reader.ts";
import type { CodedSize } from "./nal-reader.ts";

const SEQUENCE_HEADER = 1;
const FRAME_HEADER = 3;
const FRAME = 6;
const KEY_FRAME = 0;
/** A temporal unit has a few units; damage may look like millions. */
const MAX_UNITS = 64;

/** One unit; `body` is a view without its header. */
interface Obu {
  readonly type: number;
  readonly body: Uint8Array;
}

/** What the units of a sample tell. */
export interface Av1Sample {
  /** The first frame refers to no other. */
  readonly keyFrame: boolean;
  readonly hasSequenceHeader: boolean;
}

/** Reads the units up to the first frame. */
export function readAv1Sample(sample: Uint8Array): Av1Sample {
  let sequence: Uint8Array | null = null;
  for (const { type, body } of readObus(sample)) {
    if (type === SEQUENCE_HEADER) sequence = body;
    if (type !== FRAME_HEADER && type !== FRAME) continue;
    const bits = new BitReader(body);
    const isStill = sequence !== null && isReducedStill(sequence);
    const keyFrame = isStill || (!bits.flag() && bits.bits(2) === KEY_FRAME && !bits.overrun);
    return { keyFrame, hasSequenceHeader: sequence !== null };
  }
  return { keyFrame: false, hasSequenceHeader: sequence !== null };
}

/** The largest size that the sequence header of a sample allows; null if it has none. */
export function av1CodedSize(sample: Uint8Array): CodedSize | null {
  for (const { type, body } of readObus(sample)) {
    if (type === SEQUENCE_HEADER) return readSequenceSize(body);
  }
  return null;
}

/** A unit without a size reaches to the end; one that is cut off is left out. */
function* readObus(sample: Uint8Array): Generator<Obu> {
  let at = 0;
  for (let count = 0; count < MAX_UNITS && at < sample.length; count++) {
    const header = sample[at] ?? 0;
    at += header & 0x04 ? 2 : 1;
    let size = sample.length - at;
    if (header & 0x02) {
      size = 0;
      for (let byte = 0; byte < 5; byte++) {
        const part = sample[at++] ?? 0;
        size += (part & 0x7f) * 2 ** (7 * byte);
        if (part < 0x80) break;
      }
    }
    if (at + size > sample.length) return;
    yield { type: (header >> 3) & 0x0f, body: sample.subarray(at, at + size) };
    at += size;
  }
}

const isReducedStill = (sequence: Uint8Array): boolean => ((sequence[0] ?? 0) & 0x08) !== 0;

/** `sequence_header_obu()` up to the frame size (§5.5.1). */
function readSequenceSize(sequence: Uint8Array): CodedSize | null {
  const bits = new BitReader(sequence);
  bits.skip(4); // profile, still picture
  if (bits.flag()) bits.skip(5);
  else skipOperatingPoints(bits);
  const widthBits = bits.bits(4) + 1;
  const heightBits = bits.bits(4) + 1;
  const size = { width: bits.bits(widthBits) + 1, height: bits.bits(heightBits) + 1 };
  return bits.overrun ? null : size;
}

function skipOperatingPoints(bits: BitReader): void {
  let delayBits = 0;
  const hasTiming = bits.flag();
  if (hasTiming) {
    bits.skip(64);
    if (bits.flag()) bits.ue(); // ticks a picture
    if (bits.flag()) {
      delayBits = bits.bits(5) + 1;
      bits.skip(32 + 5 + 5);
    }
  }
  const hasDelay = bits.flag();
  for (let left = bits.bits(5) + 1; left > 0; left--) {
    bits.skip(12);
    const level = bits.bits(5);
    if (level > 7) bits.skip(1); // tier
    if (delayBits > 0 && bits.flag()) bits.skip(2 * delayBits + 1);
    if (hasDelay && bits.flag()) bits.skip(4);
  }
}
