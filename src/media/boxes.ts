/** Reads the box structure of ISO base media files (ISO/IEC 14496-12 §4.2), from bytes that may be damaged. */

/** The head of a box. */
export interface BoxHeader {
  readonly type: string;
  /** Bytes of the box with its header; infinite for a box that reaches to the end of its file. */
  readonly size: number;
  readonly headerBytes: number;
}

/** A whole box; `body` is a view without the header. */
export interface Box {
  readonly type: string;
  readonly body: Uint8Array;
}

const SHORT_HEADER = 8;
/** The longest header, with a size of 64 bits. */
export const MAX_HEADER_BYTES = 16;
const SIZE_IN_64_BITS = 1;
const TO_THE_END = 0;

/** The header at `at`; null if it is not all there, its type is not text, or its size makes no sense. */
export function readBoxHeader(bytes: Uint8Array, at: number): BoxHeader | null {
  if (at + SHORT_HEADER > bytes.length) return null;
  for (let index = 4; index < 8; index++) if (!isTypeCharacter(bytes[at + index])) return null;
  const type = boxType(bytes, at + 4);
  const short = uint32(bytes, at);
  if (short === TO_THE_END) {
    return { type, size: Number.POSITIVE_INFINITY, headerBytes: SHORT_HEADER };
  }
  if (short !== SIZE_IN_64_BITS) {
    return short < SHORT_HEADER ? null : { type, size: short, headerBytes: SHORT_HEADER };
  }
  if (at + MAX_HEADER_BYTES > bytes.length) return null;
  const size = uint64(bytes, at + 8);
  return size < MAX_HEADER_BYTES ? null : { type, size, headerBytes: MAX_HEADER_BYTES };
}

/** The boxes side by side in `bytes`. One that is cut off, and all behind it, are left out. */
export function* readBoxes(bytes: Uint8Array): Generator<Box> {
  for (let at = 0; ; ) {
    const header = readBoxHeader(bytes, at);
    if (!header) return;
    const end = header.size === Number.POSITIVE_INFINITY ? bytes.length : at + header.size;
    if (end > bytes.length) return;
    yield { type: header.type, body: bytes.subarray(at + header.headerBytes, end) };
    at = end;
  }
}

/** The body of the first box at this path below `bytes`. */
export function findBox(bytes: Uint8Array, ...path: readonly string[]): Uint8Array | null {
  let body: Uint8Array | null = bytes;
  for (const type of path) {
    body = body && (readBoxes(body).find((box) => box.type === type)?.body ?? null);
  }
  return body;
}

/** Four characters, as box types and brands are written. */
export const boxType = (bytes: Uint8Array, at: number): string =>
  String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0);

/** ASCII, or the copyright sign that QuickTime's types may begin with. */
const isTypeCharacter = (byte = 0): boolean => (byte >= 0x20 && byte <= 0x7e) || byte === 0xa9;

// Bytes beyond the end read as zero.

export const uint16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

export const int32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 24) |
  ((bytes[at + 1] ?? 0) << 16) |
  ((bytes[at + 2] ?? 0) << 8) |
  (bytes[at + 3] ?? 0);

export const uint32 = (bytes: Uint8Array, at: number): number => int32(bytes, at) >>> 0;

/** Exact up to 2^53. */
export const uint64 = (bytes: Uint8Array, at: number): number =>
  uint32(bytes, at) * 2 ** 32 + uint32(bytes, at + 4);

export const int64 = (bytes: Uint8Array, at: number): number =>
  int32(bytes, at) * 2 ** 32 + uint32(bytes, at + 4);
