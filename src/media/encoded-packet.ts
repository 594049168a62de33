/** Compressed media between a demuxer and a decoder, or an encoder and a segmenter. */
import type { Ticks } from "./time.ts";

export type VideoCodec = "h264" | "hevc" | "vp8" | "vp9" | "av1";
export type AudioCodec = "aac" | "opus";

/** One access unit. H.264 and H.265 are Annex B with in-band parameter sets; the others are raw frames. */
export interface VideoPacket {
  readonly kind: "video";
  readonly codec: VideoCodec;
  readonly data: Uint8Array;
  readonly pts: Ticks;
  readonly dts: Ticks;
  readonly keyFrame: boolean;
  /** `performance.now()` at the packet's last input byte: where latency is measured from. */
  readonly arrivedAt: number;
}

/** One audio frame: raw AAC (no ADTS header) or one Opus packet. */
export interface AudioPacket {
  readonly kind: "audio";
  readonly codec: AudioCodec;
  readonly data: Uint8Array;
  readonly pts: Ticks;
  readonly duration: Ticks;
  readonly sampleRate: number;
  readonly channels: number;
}

export type EncodedPacket = VideoPacket | AudioPacket;
