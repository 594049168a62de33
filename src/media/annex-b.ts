/** H.264 byte streams (ISO/IEC 14496-10 Annex B): NAL units in, length-prefixed samples out. */

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
function findStartCode(bytes: Uint8Array, from: number): number {
  let at = from + 2;
  for (;;) {
    at = bytes.indexOf(1, at);
    if (at < 0) return -1;
    if (bytes[at - 1] === 0 && bytes[at - 2] === 0) return at - 2;
    at++;
  }
}

/** True if decoding may begin at this access unit: it has an IDR picture, or parameter sets before an I picture. */
export function isRandomAccess(accessUnit: Uint8Array): boolean {
  let at = 0;
  for (;;) {
    const code = findStartCode(accessUnit, at);
    if (code < 0) return false;
    const type = (accessUnit[code + 3] ?? 0) & 0x1f;
    if (type === NAL_IDR || type === NAL_SPS) return true;
    if (type === 1) return false;
    at = code + 3;
  }
}

/** Each NAL unit behind its length in 4 bytes, as MP4 samples hold them (ISO/IEC 14496-15 §5.3.2). */
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

/** The reverse: a length-prefixed sample as a byte stream, `before` in front. A length that lies ends it. */
export function annexB(
  sample: Uint8Array,
  lengthBytes: number,
  before: readonly Uint8Array[],
): Uint8Array {
  const nals = [...before];
  let at = 0;
  while (at + lengthBytes < sample.length) {
    let length = 0;
    for (let byte = 0; byte < lengthBytes; byte++) length = length * 256 + (sample[at + byte] ?? 0);
    at += lengthBytes;
    nals.push(sample.subarray(at, at + length));
    at += length;
  }
  const stream = new Uint8Array(nals.reduce((sum, nal) => sum + 4 + nal.length, 0));
  let to = 0;
  for (const nal of nals) {
    stream[to + 3] = 1;
    stream.set(nal, to + 4);
    to += 4 + nal.length;
  }
  return stream;
}
