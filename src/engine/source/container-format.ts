/** Recognizes the container of a segment by its first bytes. */

import { TS_PACKET_BYTES } from "../../media/mpeg-ts.ts";
import { isMatroskaStart } from "./matroska/elements.ts";
import { isTopLevelBox } from "./mp4/boxes.ts";
import { hasSyncs } from "./ts/packet.ts";

/** Fewer bytes tell nothing. */
export const MIN_HEAD_BYTES = 8;
/** A transport stream that was joined in the middle, or has noise in front of it, begins within so many bytes. */
const MAX_LEAD_BYTES = 4096;
/** Sync bytes in a row that noise does not have by chance. */
const MIN_SYNCS = 3;
/** Bytes after which a segment that is not recognized never will be. */
export const MAX_HEAD_BYTES = MAX_LEAD_BYTES + (MIN_SYNCS - 1) * TS_PACKET_BYTES;

/** Packets of the transport streams on Blu-ray discs: four bytes of time in front of each. */
const M2TS_PACKET_BYTES = TS_PACKET_BYTES + 4;

/** What other formats begin with. */
const OTHER_FORMATS: readonly (readonly [name: string, bytes: string])[] = [
  ["FLV", "FLV\x01"],
  ["Ogg", "OggS"],
  ["RIFF, such as AVI or WAV", "RIFF"],
  ["an MPEG program stream", "\0\0\x01\xba"],
];

/** True for enough bytes to recognize what a segment begins with: a transport stream shows by its second sync byte. */
export const tellsFormat = (bytes: Uint8Array): boolean =>
  bytes.length >= MIN_HEAD_BYTES &&
  (bytes.length > TS_PACKET_BYTES || !hasSyncs(bytes, 0, TS_PACKET_BYTES, 1));

/** The container that begins with the first byte. Null for the middle of a segment, too few bytes, or another format. */
export function containerAtStart(bytes: Uint8Array): "mpegts" | "mp4" | "matroska" | null {
  const isNextMissing = bytes.length <= TS_PACKET_BYTES;
  if (hasSyncs(bytes, 0, TS_PACKET_BYTES, isNextMissing ? 1 : 2)) return "mpegts";
  if (isTopLevelBox(bytes)) return "mp4";
  return isMatroskaStart(bytes) ? "matroska" : null;
}

/** Whether a transport stream begins somewhere behind the first byte. */
export function hasLateTransportStream(bytes: Uint8Array): boolean {
  for (let at = 0; at < MAX_LEAD_BYTES && at < bytes.length; at++) {
    if (hasSyncs(bytes, at, TS_PACKET_BYTES, MIN_SYNCS)) return true;
  }
  return false;
}

/** The name of a format that is not read, if it is a known one. */
export function otherFormat(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.subarray(0, MIN_HEAD_BYTES)).toString("latin1");
  const known = OTHER_FORMATS.find(([, start]) => head.startsWith(start));
  if (known) return known[0];
  const isM2ts = hasSyncs(bytes, 4, M2TS_PACKET_BYTES, MIN_SYNCS);
  return isM2ts ? `M2TS with ${M2TS_PACKET_BYTES}-byte packets` : null;
}
