/** Reads the `esds` box, in which the sample entries of MPEG-4 name their codec. */

/** Object type and decoder specific information of an elementary stream descriptor (ISO/IEC 14496-1 §7.2.6). */
export function readEsds(esds: Uint8Array): { object: number; specific: Uint8Array | null } {
  const FULL_BOX = 4;
  const ELEMENTARY_STREAM = 3;
  const DECODER_CONFIG = 4;
  const DECODER_SPECIFIC = 5;
  const stream = descriptorBody(esds.subarray(FULL_BOX), ELEMENTARY_STREAM);
  if (!stream) return { object: 0, specific: null };
  const flags = stream[2] ?? 0;
  let at = 3;
  if (flags & 0x80) at += 2; // the stream it depends on
  if (flags & 0x40) at += 1 + (stream[at] ?? 0); // URL
  if (flags & 0x20) at += 2; // clock reference
  const decoder = descriptorBody(stream.subarray(at), DECODER_CONFIG);
  if (!decoder) return { object: 0, specific: null };
  const rest = decoder.subarray(13);
  return { object: decoder[0] ?? 0, specific: descriptorBody(rest, DECODER_SPECIFIC) };
}

/** The body of the descriptor that `bytes` begin with, if it has this tag. Its size has one to four bytes. */
function descriptorBody(bytes: Uint8Array, tag: number): Uint8Array | null {
  if (bytes[0] !== tag) return null;
  let size = 0;
  let at = 1;
  for (let more = true; more && at <= 4; at++) {
    const byte = bytes[at] ?? 0;
    size = size * 128 + (byte & 0x7f);
    more = byte >= 0x80;
  }
  return bytes.subarray(at, at + size);
}
