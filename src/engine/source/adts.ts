/** AAC in ADTS frames (ISO/IEC 13818-7 §6.2): takes the headers off. */

const SAMPLE_RATES = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];

/** One raw AAC frame of 1024 samples. */
export interface AacFrame {
  readonly data: Uint8Array;
  readonly sampleRate: number;
  readonly channels: number;
}

export const AAC_FRAME_SAMPLES = 1024;

/** The whole frames in `bytes`, garbage between them skipped; an incomplete last one is left out. */
export function readAdts(bytes: Uint8Array): AacFrame[] {
  const frames: AacFrame[] = [];
  let at = 0;
  while (at + 7 <= bytes.length) {
    const b1 = bytes[at + 1] ?? 0;
    const b2 = bytes[at + 2] ?? 0;
    const b3 = bytes[at + 3] ?? 0;
    const length = ((b3 & 3) << 11) | ((bytes[at + 4] ?? 0) << 3) | ((bytes[at + 5] ?? 0) >> 5);
    const header = b1 & 1 ? 7 : 9;
    const sampleRate = SAMPLE_RATES[(b2 >> 2) & 15];
    const isFrame = bytes[at] === 0xff && (b1 & 0xf6) === 0xf0 && sampleRate && length > header;
    if (!isFrame) {
      at++;
      continue;
    }
    if (at + length > bytes.length) break;
    const channels = ((b2 & 1) << 2) | (b3 >> 6);
    frames.push({
      data: bytes.slice(at + header, at + length),
      sampleRate,
      channels: channels || 2,
    });
    at += length;
  }
  return frames;
}
