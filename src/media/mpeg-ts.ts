/** Declares the packet size of MPEG-TS, and computes the checksum of its tables. */

export const TS_PACKET_BYTES = 188;

/** ISO/IEC 13818-1 Annex A: polynomial 0x04c11db7, most significant bit first, no final inversion. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  }
  return crc >>> 0;
}
