/** Converts between byte streams of NAL units (ISO/IEC 14496-10 Annex B) and length-prefixed samples. */

export const NAL_IDR = 5;
export const NAL_SPS = 7;
export const NAL_PPS = 8;
export const NAL_AUD = 9;

/** The type of an H.264 NAL unit. */
export const nalType = (nal: Uint8Array): number => (nal[0] ?? 0) & 0x1f;

/** Views of the NAL units between start codes, trailing zero bytes cut. */
export function splitNals(bytes: Uint8Array): Uint8Array[] {
  const nals: Uint8Array[] = [];
  let start = -1;
  let at = 0;
  for (;;) {
    const code = findStartCode(bytes, at);
    if (start >= 0) {
      let end = code < 0 ? bytes.length : code;
      while (end > start && bytes[end - 1] === 0) end--;
      if (end > start) nals.push(bytes.subarray(start, end));
    }
    if (code < 0) return nals;
    start = code + 3;
    at = start;
  }
}

/** Offset of the next 00 00 01 at or after `from`, or -1. */
export const findStartCode = (bytes: Uint8Array, from: number): number =>
  Buffer.prototype.indexOf.call(bytes, START_CODE, from);

/** A native search for all three bytes: several times faster than one for a single byte. */
const START_CODE = Buffer.of(0, 0, 1);

/** Puts its length in 4 bytes before each NAL unit, as MP4 samples have it (ISO/IEC 14496-15 §5.3.2). */
export function lengthPrefixed(nals: readonly Uint8Array[]): Uint8Array {
  const sample = new Uint8Array(nals.reduce((sum, nal) => sum + 4 + nal.length, 0));
  const view = new DataView(sample.buffer);
  let at = 0;
  for (const nal of nals) {
    view.setUint32(at, nal.length);
    sample.set(nal, at + 4);
    at += 4 + nal.length;
  }
  return sample;
}

/**
 * Turns a length-prefixed sample into a byte stream, with the NAL units `before` in front. A length that
 * exceeds the sample is cut to it; empty NAL units are left out.
 */
export function annexB(
  sample: Uint8Array,
  lengthBytes: number,
  before: readonly Uint8Array[],
): Uint8Array {
  let size = before.reduce((sum, nal) => sum + 4 + nal.length, 0);
  walkNals(sample, lengthBytes, (from, to) => {
    size += 4 + to - from;
  });
  const stream = new Uint8Array(size);
  let at = 0;
  const append = (nal: Uint8Array): void => {
    stream[at + 3] = 1;
    stream.set(nal, at + 4);
    at += 4 + nal.length;
  };
  for (const nal of before) append(nal);
  walkNals(sample, lengthBytes, (from, to) => append(sample.subarray(from, to)));
  return stream;
}

/** Calls `visit` with the bounds of each NAL unit that is not empty. A sample may hold millions: none is stored. */
function walkNals(
  sample: Uint8Array,
  lengthBytes: number,
  visit: (from: number, to: number) => void,
): void {
  for (let at = 0; at + lengthBytes < sample.length; ) {
    let length = 0;
    for (let byte = 0; byte < lengthBytes; byte++) length = length * 256 + (sample[at + byte] ?? 0);
    const from = at + lengthBytes;
    at = Math.min(sample.length, from + length);
    if (at > from) visit(from, at);
  }
}

/**
 * Removes the emulation prevention bytes of a NAL unit (ISO/IEC 14496-10 §7.4.1): 00 00 03 becomes
 * 00 00. Reads at most `limit` bytes, which is enough for a header.
 */
export function unescapeNal(nal: Uint8Array, limit = nal.length): Uint8Array {
  const bytes = nal.subarray(0, limit);
  if (!hasEscape(bytes)) return bytes;
  const plain = new Uint8Array(bytes.length);
  let length = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    plain[length++] = byte;
  }
  return plain.subarray(0, length);
}

function hasEscape(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(3, 2); at >= 0; at = bytes.indexOf(3, at + 1)) {
    if (bytes[at - 1] === 0 && bytes[at - 2] === 0) return true;
  }
  return false;
}
