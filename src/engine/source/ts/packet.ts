/** Reads the headers of transport packets in place (ISO/IEC 13818-1 §2.4.3). */

import { TS_PACKET_BYTES } from "../../../media/mpeg-ts.ts";

const SYNC_BYTE = 0x47;

export interface TsPacket {
  readonly pid: number;
  /** A PES packet or a section begins in this payload. */
  readonly unitStart: boolean;
  /** The packet is damaged or its payload is scrambled: it must not be used. */
  readonly broken: boolean;
  readonly randomAccess: boolean;
  /**
   * The adaptation field is longer than its contents, or has none. Muxers pad there to fill the last
   * packet of a PES, which tells its end before the next one begins (facts.md 4).
   */
  readonly stuffed: boolean;
  readonly payload: Uint8Array;
}

/**
 * Reads the packet at `offset`, of which all 188 bytes must be there. `payload` is a view of `bytes`.
 * Null if the packet does not begin with the sync byte or is inconsistent.
 */
export function readTsPacket(bytes: Uint8Array, offset: number): TsPacket | null {
  if (bytes[offset] !== SYNC_BYTE) return null;
  const b1 = bytes[offset + 1] ?? 0;
  const b3 = bytes[offset + 3] ?? 0;
  const control = (b3 >> 4) & 3;
  let start = offset + 4;
  let randomAccess = false;
  let stuffed = false;
  if (control & 2) {
    const length = bytes[start] ?? 0;
    const flags = length > 0 ? (bytes[start + 1] ?? 0) : 0;
    randomAccess = (flags & 0x40) !== 0;
    stuffed = flags === 0 || length > adaptationBytes(bytes, start + 1, flags);
    start += 1 + length;
    if (start > offset + TS_PACKET_BYTES) return null;
  }
  return {
    pid: ((b1 & 0x1f) << 8) | (bytes[offset + 2] ?? 0),
    unitStart: (b1 & 0x40) !== 0,
    broken: (b1 & 0x80) !== 0 || (b3 & 0xc0) !== 0,
    randomAccess,
    stuffed,
    payload: control & 1 ? bytes.subarray(start, offset + TS_PACKET_BYTES) : bytes.subarray(0, 0),
  };
}

/** Bytes that the contents of an adaptation field take, including the byte of flags that announces them. */
function adaptationBytes(bytes: Uint8Array, at: number, flags: number): number {
  let needed = 1;
  if (flags & 0x10) needed += 6; // PCR
  if (flags & 0x08) needed += 6; // OPCR
  if (flags & 0x04) needed += 1; // splice countdown
  if (flags & 0x02) needed += 1 + (bytes[at + needed] ?? 0); // private data
  if (flags & 0x01) needed += 1 + (bytes[at + needed] ?? 0); // extension
  return needed;
}

/** Whether a packet begins with the first byte, and another one behind it if it is there. */
export const isPacketStart = (bytes: Uint8Array): boolean =>
  hasSyncs(bytes, 0, TS_PACKET_BYTES, bytes.length > TS_PACKET_BYTES ? 2 : 1);

/** Whether packets of `packetBytes` begin at `offset`: so many sync bytes are there, each a packet further. */
export function hasSyncs(
  bytes: Uint8Array,
  offset: number,
  packetBytes: number,
  count: number,
): boolean {
  for (let packet = 0; packet < count; packet++) {
    if (bytes[offset + packet * packetBytes] !== SYNC_BYTE) return false;
  }
  return true;
}

/** Offset of the next packet at or after `from`: a sync byte that is followed by another one; -1 if none. */
export function findSync(bytes: Uint8Array, from: number): number {
  for (let at = from; at + TS_PACKET_BYTES < bytes.length; at++) {
    if (hasSyncs(bytes, at, TS_PACKET_BYTES, 2)) return at;
  }
  return -1;
}
