/** Reads Opus in a transport stream: a control header before each packet (ETSI TS 103 491). */
import { opusSamples } from "../../../media/opus.ts";

/** One Opus packet and the 48 kHz samples it lasts. */
export interface OpusPacket {
  readonly data: Uint8Array;
  readonly samples: number;
}

/** The whole packets in a PES payload, up to the first byte that begins no control header. */
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
