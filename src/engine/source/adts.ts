/** AAC in ADTS frames (ISO/IEC 13818-7 §6.2): takes the headers off. */

const SAMPLE_RATES = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];

/** By channel configuration; 0 means that the frames say it, which is stereo as a rule. */
const CHANNELS = [2, 1, 2, 3, 4, 5, 6, 8];
const HEADER_BYTES = 7;

/** One raw AAC frame of 1024 samples. */
export interface AacFrame {
  readonly data: Uint8Array;
  readonly sampleRate: number;
  readonly channels: number;
  /** It began in the bytes read before these. */
  readonly carried: boolean;
}

export const AAC_FRAME_SAMPLES = 1024;

/** Finds frames in PES payloads that follow each other. A frame may begin in one and end in the next. */
export class AdtsReader {
  #rest: Uint8Array = new Uint8Array(0);

  /** The frames that `payload` completes, garbage between them skipped. */
  read(payload: Uint8Array): AacFrame[] {
    // Where a frame begins at once, the end of the one before it was lost.
    const rest = frameAt(payload, 0) ? new Uint8Array(0) : this.#rest;
    const bytes = rest.length > 0 ? Uint8Array.from([...rest, ...payload]) : payload;
    const frames: AacFrame[] = [];
    let at = 0;
    this.drop();
    while (at + HEADER_BYTES <= bytes.length) {
      const frame = frameAt(bytes, at);
      if (frame && at + frame.length > bytes.length) break;
      if (frame) {
        const { header, length, sampleRate, channels } = frame;
        const data = bytes.slice(at + header, at + length);
        frames.push({ data, sampleRate, channels, carried: at < rest.length });
      }
      at += frame?.length ?? 1;
    }
    this.#rest = bytes.slice(at);
    return frames;
  }

  /** Forgets a frame that is under way. */
  drop(): void {
    this.#rest = new Uint8Array(0);
  }
}

interface Header {
  /** Bytes before the raw frame. */
  readonly header: number;
  /** Bytes in all. */
  readonly length: number;
  readonly sampleRate: number;
  readonly channels: number;
}

/** What a frame that begins here says of itself; null if none does. */
function frameAt(bytes: Uint8Array, at: number): Header | null {
  const b1 = bytes[at + 1] ?? 0;
  const b2 = bytes[at + 2] ?? 0;
  const b3 = bytes[at + 3] ?? 0;
  const length = ((b3 & 3) << 11) | ((bytes[at + 4] ?? 0) << 3) | ((bytes[at + 5] ?? 0) >> 5);
  const header = b1 & 1 ? HEADER_BYTES : HEADER_BYTES + 2;
  const sampleRate = SAMPLE_RATES[(b2 >> 2) & 15];
  const isFrame = bytes[at] === 0xff && (b1 & 0xf6) === 0xf0 && length > header;
  if (!isFrame || !sampleRate) return null;
  return { header, length, sampleRate, channels: CHANNELS[((b2 & 1) << 2) | (b3 >> 6)] ?? 2 };
}
