/** Reads the frame headers of MPEG-1 and MPEG-2 audio, layers I to III (ISO/IEC 11172-3 §2.4.1.3, 13818-3 §2.4.2.3). */

/** Kilobits a second by bitrate index, for the versions and layers that have tables of their own. */
const BITRATES = {
  "1/1": [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  "1/2": [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  "1/3": [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  "2/1": [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  "2/2": [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;
const SAMPLE_RATES = [44_100, 48_000, 32_000];
const MONO = 3;
const RESERVED_EMPHASIS = 2;

export const MPEG_AUDIO_HEADER_BYTES = 4;

export interface MpegAudioHeader {
  readonly layer: 1 | 2 | 3;
  /** Of the frame with its header. */
  readonly frameBytes: number;
  /** Samples of each channel that the frame holds. */
  readonly samples: number;
  readonly sampleRate: number;
  readonly channels: 1 | 2;
}

/** Null if no header begins at `at`, or its frame has a free bitrate and so no length. */
export function readMpegAudioHeader(bytes: Uint8Array, at: number): MpegAudioHeader | null {
  const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = bytes.subarray(at, at + 4);
  if (b0 !== 0xff || (b1 & 0xe0) !== 0xe0) return null;
  const version = (b1 >> 3) & 3; // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
  const layerCode = (b1 >> 1) & 3;
  if (version === 1 || layerCode === 0 || (b3 & 3) === RESERVED_EMPHASIS) return null;
  const layer = layerCode === 3 ? 1 : layerCode === 2 ? 2 : 3;
  const first = version === 3;
  const rates = first ? BITRATES[`1/${layer}`] : layer === 1 ? BITRATES["2/1"] : BITRATES["2/2"];
  const bitrate = 1000 * (rates[b2 >> 4] ?? 0);
  const fullRate = SAMPLE_RATES[(b2 >> 2) & 3] ?? 0;
  const sampleRate = version === 3 ? fullRate : version === 2 ? fullRate / 2 : fullRate / 4;
  if (bitrate === 0 || sampleRate === 0) return null;
  const padding = (b2 >> 1) & 1;
  const samples = layer === 1 ? 384 : layer === 3 && !first ? 576 : 1152;
  const slots = Math.floor(((layer === 1 ? 12 : samples / 8) * bitrate) / sampleRate) + padding;
  return {
    layer,
    frameBytes: layer === 1 ? 4 * slots : slots,
    samples,
    sampleRate,
    channels: b3 >> 6 === MONO ? 1 : 2,
  };
}
