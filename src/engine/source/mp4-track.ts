/** Declares what is known about a track of an MP4: its codecs, its times, and where its samples lie. */
import type { Orientation, PixelAspect } from "../../media/display.ts";
import type { AudioFormat, VideoCodec } from "../../media/encoded-packet.ts";
import type { Ticks } from "../../media/time.ts";

export interface VideoEntry {
  readonly kind: "video";
  readonly codec: VideoCodec;
  /** Bytes of the length in front of each NAL unit; 0 if samples are not made of NAL units. */
  readonly lengthBytes: number;
  readonly parameterSets: readonly Uint8Array[];
  /** Size in pixels as the entry has it; 0 where it does not say. */
  readonly width: number;
  readonly height: number;
  /** From the entry's `pasp` box. */
  readonly pixelAspect: PixelAspect | null;
}

export interface AudioEntry {
  readonly kind: "audio";
  readonly format: AudioFormat;
  /** Samples that a frame lasts, for fragments without durations. */
  readonly frameSamples: number;
}

/** A codec that cannot be read, by a name for messages. */
export interface UnsupportedEntry {
  readonly kind: "unsupported";
  readonly codec: string;
}

export type SampleEntry = VideoEntry | AudioEntry | UnsupportedEntry;

/** What samples are where a fragment does not say it (`trex`, §8.8.3). */
export interface SampleDefaults {
  /** Number of the sample entry, from 1. */
  readonly entry: number;
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

/** A track with at least one sample entry that can be read. */
export interface Mp4Track {
  readonly id: number;
  readonly kind: "video" | "audio";
  readonly timescale: number;
  readonly entries: readonly SampleEntry[];
  /** What the edit list adds to decode and composition times. */
  readonly shift: Ticks;
  readonly orientation: Orientation | null;
  /** The shape that the size in the track's header gives its pixels; null if they are square. */
  readonly pixelAspect: PixelAspect | null;
}

/** Equal samples in a row whose data may not have come: one, or all of a run without fields of their own. */
export interface SampleRun {
  readonly track: Mp4Track;
  /** Number of the sample entry, from 1. */
  readonly entry: number;
  /** Of the first byte, counted as the caller counts the `moof`. */
  readonly position: number;
  /** Bytes of each sample, at least 1. */
  readonly size: number;
  readonly count: number;
  /** Decode time of the first sample. All times are in the track's timescale. */
  readonly dts: number;
  /** Of each sample. */
  readonly duration: number;
  /** Composition time minus decode time. */
  readonly offset: number;
  readonly sync: boolean;
}
