/** What a decoder must be told of a stream whose packets do not say it. */

const AAC_RATES = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];
const AAC_LOW_COMPLEXITY = 2;
const EXPLICIT_RATE = 15;

/** AudioSpecificConfig of AAC-LC (ISO/IEC 14496-3 §1.6.2.1); a decoder finds SBR and PS by itself. */
export function audioSpecificConfig(sampleRate: number, channels: number): Uint8Array {
  const index = AAC_RATES.indexOf(sampleRate);
  const configuration = channels === 8 ? 7 : channels;
  const head = (AAC_LOW_COMPLEXITY << 11) | ((index < 0 ? EXPLICIT_RATE : index) << 7);
  if (index >= 0) return bytesOf(BigInt(head | (configuration << 3)), 2);
  return bytesOf(
    (BigInt(head >> 7) << 31n) | (BigInt(sampleRate) << 7n) | BigInt(configuration << 3),
    5,
  );
}

/** Streams, those of them that are stereo, and each channel's place, by channel count (RFC 7845 §5.1.1.2). */
const OPUS_SURROUND: Readonly<Record<number, readonly number[]>> = {
  3: [2, 1, 0, 2, 1],
  4: [2, 2, 0, 1, 2, 3],
  5: [3, 2, 0, 4, 1, 2, 3],
  6: [4, 2, 0, 4, 1, 2, 3, 5],
  7: [5, 2, 0, 4, 1, 2, 3, 5, 6],
  8: [5, 3, 0, 6, 1, 2, 3, 4, 5, 7],
};

/** OpusHead without pre-skip: a packet's first sample belongs to its pts. */
export function opusHead(channels: number): Uint8Array {
  const surround = OPUS_SURROUND[channels];
  return Uint8Array.from([
    ...new TextEncoder().encode("OpusHead"),
    ...[1, channels],
    ...[0, 0], // pre-skip
    ...[0x80, 0xbb, 0, 0], // 48,000 Hz
    ...[0, 0], // gain
    ...(surround ? [1, ...surround] : [0]),
  ]);
}

const bytesOf = (value: bigint, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, index) =>
    Number((value >> BigInt(8 * (count - 1 - index))) & 0xffn),
  );
