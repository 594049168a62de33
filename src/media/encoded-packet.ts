/** Declares compressed media between a demuxer and a decoder, and between an encoder and a segmenter. */
import type { Orientation, PixelAspect } from "./display.ts";
import type { Ticks } from "./time.ts";

export type VideoCodec = "h264" | "hevc" | "vp8" | "vp9" | "av1";
/** The audio codecs of our outputs. */
export type AudioCodec = "aac" | "opus";
/** The audio codecs of inputs, by FFmpeg's names. What no output carries is transcoded. */
export type InputAudioCodec =
  | AudioCodec
  | "aac_latm"
  | "mp2"
  | "mp3"
  | "ac3"
  | "eac3"
  | "flac"
  | "vorbis";

/** One access unit. H.264 and H.265 are Annex B with in-band parameter sets; the others are raw frames. */
export interface VideoPacket {
  readonly kind: "video";
  readonly codec: VideoCodec;
  readonly data: Uint8Array;
  readonly pts: Ticks;
  readonly dts: Ticks;
  readonly keyFrame: boolean;
  /** Packets before it are lost, so that the pictures up to the next key frame may refer to what is not there. */
  readonly afterLoss?: true;
  /** Decoded for reference only: no picture comes out (VP8's alternate reference frames). */
  readonly hidden?: true;
  /** From the container (`tkhd`, Matroska's projection); the coded stream's own orientation wins. */
  readonly orientation?: Orientation;
  /** From the container (`pasp`, Matroska's display size); wins over the coded stream's own. */
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
  /** `performance.now()` when the encoder gave it. */
  readonly encodedAt?: number | undefined;
  readonly format: VideoFormat;
}

/** What a decoder or a container must know of an audio track. */
export interface AudioFormat {
  readonly codec: InputAudioCodec;
  /** Of the core where SBR doubles it. */
  readonly sampleRate: number;
  readonly channels: number;
  /**
   * AudioSpecificConfig, OpusHead, FLAC's STREAMINFO or the three headers of Vorbis, laced as Matroska has them.
   * Absent: AAC low complexity or Opus in its usual channel mapping, as rate and channels say, or a codec that
   * needs none.
   */
  readonly config?: Uint8Array;
}

/** One audio frame as its decoder takes it. AAC is raw (no ADTS header). */
export interface AudioPacket extends AudioFormat {
  readonly kind: "audio";
  readonly data: Uint8Array;
  readonly pts: Ticks;
  readonly duration: Ticks;
  /** As with video: how long it may wait is counted from here. */
  readonly arrivedAt: number;
}

/** Audio that an output carries. */
export interface EncodedAudio extends AudioPacket {
  readonly codec: AudioCodec;
}

/** True if a decoder or a track for the one serves the other. */
export function sameAudioFormat(a: AudioFormat, b: AudioFormat): boolean {
  if (a.codec !== b.codec || a.sampleRate !== b.sampleRate || a.channels !== b.channels) {
    return false;
  }
  return a.config === b.config || (a.config && b.config ? equal(a.config, b.config) : false);
}

const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);

/** What a demuxer finds. */
export type EncodedPacket = VideoPacket | AudioPacket;

/** What a segmenter takes. */
export type OutputPacket = EncodedVideo | EncodedAudio;
