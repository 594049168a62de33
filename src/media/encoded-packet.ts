/** Declares compressed media between a demuxer and a decoder, and between an encoder and a segmenter. */
import type { Orientation, PixelAspect } from "./display.ts";
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
  /** From the container (`tkhd`); the coded stream's own orientation wins. */
  readonly orientation?: Orientation;
  /** From the container (`pasp`); wins over the coded stream's own. */
  readonly pixelAspect?: PixelAspect;
  /** `performance.now()` at the packet's last input byte: where latency is measured from. */
  readonly arrivedAt: number;
}

/** What an encoder promises of its packets; a new object each time it is opened. */
export interface VideoFormat {
  readonly width: number;
  readonly height: number;
  /** SPS and PPS, Annex B. The packets do not repeat them. */
  readonly parameterSets: Uint8Array;
}

/** A packet of our own encoder: H.264 without B-frames, so that pts and dts are one. */
export interface EncodedVideo extends VideoPacket {
  readonly format: VideoFormat;
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
  /** As with video: how long it may wait is counted from here. */
  readonly arrivedAt: number;
}

/** What a demuxer finds. */
export type EncodedPacket = VideoPacket | AudioPacket;

/** What a segmenter takes. */
export type OutputPacket = EncodedVideo | AudioPacket;
