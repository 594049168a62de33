/** Writes the times of a transport stream: 33 bits of 90 kHz, spread over bytes with marker bits. */

const WRAP = 2 ** 33;

/** A time as 33 bits hold it: after 26.5 h it begins again at 0, which readers expect. */
const wrapped = (ticks: number): number => ((ticks % WRAP) + WRAP) % WRAP;

/** A program clock reference in 6 bytes (ISO/IEC 13818-1 §2.4.3.4); its 27 MHz part is 0. */
export function writePcr(bytes: Uint8Array, at: number, ticks: number): void {
  const base = wrapped(ticks);
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  view.setUint32(0, Math.floor(base / 2));
  view.setUint16(4, ((base & 1) << 15) | (0x3f << 9));
}

/** A presentation timestamp without a decoding timestamp, in 5 bytes (ISO/IEC 13818-1 §2.4.3.7). */
export function writePts(bytes: Uint8Array, at: number, ticks: number): void {
  const value = wrapped(ticks);
  const top = Math.floor(value / 2 ** 30);
  bytes[at] = 0x21 | (top << 1);
  bytes[at + 1] = value >>> 22;
  bytes[at + 2] = (value >>> 14) | 1;
  bytes[at + 3] = value >>> 7;
  bytes[at + 4] = (value << 1) | 1;
}
