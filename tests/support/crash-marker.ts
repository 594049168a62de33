/** What `crash-on-marker.ts` looks for. */
export const CRASH_MARKER = "the decoder crashes here";

/** An SEI message (user data, unregistered) that carries the marker; decoders pass over it. */
export function crashSei(): Uint8Array {
  const text = new TextEncoder().encode(CRASH_MARKER);
  return Uint8Array.from([
    0,
    0,
    0,
    1,
    6,
    5,
    16 + text.length,
    ...Array(16).fill(0x42),
    ...text,
    0x80,
  ]);
}
