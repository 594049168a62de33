/** Reads the element structure of EBML documents (RFC 8794), from bytes that may be damaged. */

/** The head of an element. */
export interface ElementHeader {
  /** With its marker bits, as specifications list them. */
  readonly id: number;
  /** Bytes of the data; infinite for an element of unknown size. */
  readonly size: number;
  readonly headerBytes: number;
}

/** A whole element; `data` is a view without the header. */
export interface Element {
  readonly id: number;
  readonly data: Uint8Array;
}

const MAX_ID_BYTES = 4;
const MAX_SIZE_BYTES = 8;

/** The header at `at`; `cut` if it is not all there, null if no element can begin with these bytes. */
export function readElementHeader(bytes: Uint8Array, at: number): ElementHeader | "cut" | null {
  if (at >= bytes.length) return "cut";
  const idBytes = vintBytes(bytes[at]);
  if (idBytes > MAX_ID_BYTES) return null;
  if (at + idBytes >= bytes.length) return "cut";
  const sizeBytes = vintBytes(bytes[at + idBytes]);
  if (sizeBytes > MAX_SIZE_BYTES) return null;
  const headerBytes = idBytes + sizeBytes;
  if (at + headerBytes > bytes.length) return "cut";
  const id = readUint(bytes.subarray(at, at + idBytes));
  const size = readVint(bytes, at + idBytes, sizeBytes);
  return { id, size: size ?? Number.POSITIVE_INFINITY, headerBytes };
}

/** The elements side by side in `bytes`. One that is cut off or of unknown size, and all behind it, are left out. */
export function* readElements(bytes: Uint8Array): Generator<Element> {
  for (let at = 0; ; ) {
    const header = readElementHeader(bytes, at);
    if (!header || header === "cut") return;
    const end = at + header.headerBytes + header.size;
    if (end > bytes.length) return;
    yield { id: header.id, data: bytes.subarray(at + header.headerBytes, end) };
    at = end;
  }
}

/** The data of the first child with this ID. */
export function findElement(bytes: Uint8Array, id: number): Uint8Array | null {
  for (const element of readElements(bytes)) if (element.id === id) return element.data;
  return null;
}

/** Bytes of the number of variable length that begins with `first`; 9 if none does. */
export const vintBytes = (first = 0): number => Math.clz32(first) - 23;

/** The number of variable length at `at`, of so many bytes; null if all its bits are set: unknown. Exact up to 2^53. */
export function readVint(bytes: Uint8Array, at: number, length: number): number | null {
  const mask = 0xff >> length;
  const first = (bytes[at] ?? 0) & mask;
  let value = first;
  let isUnknown = first === mask;
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index] ?? 0;
    value = value * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  return isUnknown ? null : value;
}

/** An unsigned integer element; exact up to 2^53. */
export function readUint(data: Uint8Array): number {
  let value = 0;
  for (const byte of data) value = value * 256 + byte;
  return value;
}

/** A float element of 4 or 8 bytes; 0 for other lengths and for what is not a finite number. */
export function readFloat(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const value = data.length === 4 ? view.getFloat32(0) : data.length === 8 ? view.getFloat64(0) : 0;
  return Number.isFinite(value) ? value : 0;
}

/** A string element, up to its first zero byte. */
export function readString(data: Uint8Array): string {
  const end = data.indexOf(0);
  return Buffer.from(end < 0 ? data : data.subarray(0, end)).toString("utf8");
}
