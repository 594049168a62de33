/** Opus in a transport stream: control headers before each packet (ETSI TS 103 491, as FFmpeg and mediacommon write it). */

/** One Opus packet and the 48 kHz samples it lasts. */
export interface OpusPacket {
  readonly data: Uint8Array;
  readonly samples: number;
}

/** The whole packets in a PES payload; stops at the first thing that is no control header. */
export function readOpus(bytes: Uint8Array): OpusPacket[] {
  const packets: OpusPacket[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const header = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (header >> 5 !== 0x3ff) break;
    at += 2;
    let size = 0;
    let part: number;
    do {
      part = bytes[at++] ?? 0;
      size += part;
    } while (part === 255);
    if (header & 0x10) at += 2; // start trim
    if (header & 0x08) at += 2; // end trim
    if (header & 0x04) at += 1 + (bytes[at] ?? 0); // control extension
    if (size === 0 || at + size > bytes.length) break;
    const data = bytes.slice(at, at + size);
    packets.push({ data, samples: opusSamples(data) });
    at += size;
  }
  return packets;
}

/** Samples at 48 kHz that a packet decodes to (RFC 6716 §3.1). */
export function opusSamples(packet: Uint8Array): number {
  const toc = packet[0] ?? 0;
  const config = toc >> 3;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 0x3f;
  if (config >= 16) return frames * (120 << (config & 3)); // CELT: 2.5, 5, 10, 20 ms
  if (config >= 12) return frames * (480 << (config & 1)); // hybrid: 10, 20 ms
  return frames * ([480, 960, 1920, 2880][config & 3] ?? 960); // SILK: 10, 20, 40, 60 ms
}
