/** Writes PES packets: one access unit behind a header (ISO/IEC 13818-1 §2.4.3.6). */

import { TS_PACKET_BYTES } from "../../media/mpeg-ts.ts";
import type { Ticks } from "../../media/time.ts";
import { writePts } from "./ts-stamps.ts";

/** Payload of every transport packet after a unit's first. */
const PAYLOAD_BYTES = TS_PACKET_BYTES - 4;
/** Start code, stream id and length. */
const PREFIX_BYTES = 6;
/** Flags, header length and a PTS. */
const HEADER_BYTES = 8;
const ALIGNED = 0x84;
const PTS_ONLY = 0x80;

export interface PesOptions {
  readonly streamId: number;
  readonly pts: Ticks;
  /** Bytes of the PES packet that fit into the first transport packet. */
  readonly room: number;
}

/**
 * Joins `parts` behind a header. The length is written if it fits into 16 bits, so that readers need not
 * wait for the next start; otherwise it is 0, which only video may have. The last transport packet is never
 * full, because its stuffing marks the end, too (facts.md 4): where it would be full, the header is one byte
 * longer.
 */
export function pes(parts: readonly Uint8Array[], { streamId, pts, room }: PesOptions): Uint8Array {
  const payload = parts.reduce((sum, part) => sum + part.length, 0);
  const exact = PREFIX_BYTES + HEADER_BYTES + payload;
  const stuffing = exact >= room && (exact - room) % PAYLOAD_BYTES === 0 ? 1 : 0;
  const bytes = new Uint8Array(exact + stuffing);
  const length = bytes.length - PREFIX_BYTES;
  bytes.set([0, 0, 1, streamId]);
  if (length <= 0xffff) bytes.set([length >> 8, length & 0xff], 4);
  bytes.set([ALIGNED, PTS_ONLY, 5 + stuffing], PREFIX_BYTES);
  writePts(bytes, PREFIX_BYTES + 3, pts);
  if (stuffing > 0) bytes[PREFIX_BYTES + HEADER_BYTES] = 0xff;
  let at = PREFIX_BYTES + HEADER_BYTES + stuffing;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
