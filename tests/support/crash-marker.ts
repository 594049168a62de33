/** The marker in video that makes an engine crash if `crash-on-marker.ts` is loaded. */
export const CRASH_MARKER = "the decoder crashes here";

/** An SEI message (unregistered user data) that carries the marker; decoders ignore it. */
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
