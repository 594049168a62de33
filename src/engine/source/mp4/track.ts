/** Declares what is known about a track of an MP4: its times, and where its samples lie. */
import type { Orientation, PixelAspect } from "../../../media/display.ts";
import type { Ticks } from "../../../media/time.ts";
import type { SampleEntry } from "../sample-entry.ts";

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
