/** Declares what the header of a file says of a track's codec, for the decoder and for its samples' form. */
import type { PixelAspect } from "../../media/display.ts";
import type { AudioFormat, VideoCodec } from "../../media/encoded-packet.ts";

export interface VideoEntry {
  readonly kind: "video";
  readonly codec: VideoCodec;
  /** Bytes of the length in front of each NAL unit; 0 if samples are not made of NAL units, or are Annex B. */
  readonly lengthBytes: number;
  /** What key frames may come without: NAL units, or the sequence header of AV1. */
  readonly parameterSets: readonly Uint8Array[];
  /** Size in pixels as the entry has it; 0 where it does not say. */
  readonly width: number;
  readonly height: number;
  /** The shape of a pixel, where the container says it. */
  readonly pixelAspect: PixelAspect | null;
}

export interface AudioEntry {
  readonly kind: "audio";
  readonly format: AudioFormat;
  /** Samples that a frame lasts, where neither the container nor the frame says it. */
  readonly frameSamples: number;
}

/** A codec that cannot be read, by a name for messages. */
export interface UnsupportedEntry {
  readonly kind: "unsupported";
  readonly codec: string;
}

export type SampleEntry = VideoEntry | AudioEntry | UnsupportedEntry;
