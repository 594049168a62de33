/** Markers in video at which an engine's decoder misbehaves, if `obey-decoder-marker.ts` is loaded. */
export const DECODER_MARKERS = {
  crash: "the decoder crashes here",
  hang: "the decoder hangs here",
} as const;

/** An SEI message in Annex B (unregistered user data) that carries the marker; decoders ignore it. */
export function markerSei(fault: keyof typeof DECODER_MARKERS): Uint8Array {
  const text = new TextEncoder().encode(DECODER_MARKERS[fault]);
  const head = [0, 0, 0, 1, 6, 5, 16 + text.length, ...Array(16).fill(0x42)];
  return Uint8Array.from([...head, ...text, 0x80]);
}
