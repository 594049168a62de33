/** Declares uncompressed audio between the resampler and an encoder: 48 kHz, float, mono or stereo. */
import {
  AV_CHANNEL_ORDER_NATIVE,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  type Frame,
} from "./libav.ts";

/** The rate of all audio that we encode: Opus has no other. */
export const SAMPLE_RATE = 48_000;

export interface SampleFormat {
  readonly channels: 1 | 2;
  /** True for one plane a channel; false for all channels interleaved in one plane. */
  readonly planar: boolean;
}

/** `count` samples of each channel. */
export interface Samples {
  readonly planes: readonly Uint8Array[];
  readonly count: number;
}

const BYTES_PER_FLOAT = 4;

/** The number of planes. */
export const planeCount = ({ channels, planar }: SampleFormat): number => (planar ? channels : 1);

/** Bytes of one sample in one plane. */
export const sampleBytes = ({ channels, planar }: SampleFormat): number =>
  BYTES_PER_FLOAT * (planar ? 1 : channels);

export const silence = (format: SampleFormat, count: number): Samples => ({
  planes: Array.from(
    { length: planeCount(format) },
    () => new Uint8Array(count * sampleBytes(format)),
  ),
  count,
});

/** The samples from `from` to `to`, as views. */
export function slice(
  format: SampleFormat,
  samples: Samples,
  from: number,
  to = samples.count,
): Samples {
  const bytes = sampleBytes(format);
  return {
    planes: samples.planes.map((plane) => plane.subarray(from * bytes, to * bytes)),
    count: to - from,
  };
}

/** The format in FFmpeg's terms. */
export const nativeFormat = ({ planar }: SampleFormat) =>
  planar ? AV_SAMPLE_FMT_FLTP : AV_SAMPLE_FMT_FLT;

/** Front centre, or front left and right. */
export const nativeLayout = ({ channels }: SampleFormat): Frame["channelLayout"] => ({
  nbChannels: channels,
  order: AV_CHANNEL_ORDER_NATIVE,
  mask: channels === 1 ? 4n : 3n,
});
