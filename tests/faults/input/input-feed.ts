/** What a fault of input works with: a sender of live media whose segments it may replace. */
import type { ReadMedia } from "../../support/clip-reader.ts";

/** Containers that a feed sends. */
export type InputContainer = "mpegts" | "fmp4" | "matroska";

/** The media of one segment, for faults that change packets and not bytes. */
export interface SegmentMedia {
  /** Its packets, with the times that the stream has reached. */
  readonly media: ReadMedia;
  /** The bytes of a segment with other packets, in the feed's container or another one. */
  mux(media: ReadMedia, container?: InputContainer): Uint8Array;
}

/**
 * What is sent in the place of segment `n`, counted from the start of the feed: the returned segments one after the
 * other, or nothing if it is null or empty.
 */
export type SegmentTransform = (
  segment: Uint8Array,
  n: number,
  source: SegmentMedia,
) => readonly Uint8Array[] | null;

/** Sends a clip again and again in real time, with timestamps that only rise. */
export interface InputFeed {
  /** The trickle channel that it publishes to. */
  readonly url: string;
  readonly container: InputContainer;
  /** Milliseconds from one key frame to the next: each segment begins with one. */
  readonly segmentMs: number;
  /** Segments published so far. */
  readonly sent: number;
  /** From the next segment on, sends what `transform` makes of each; null sends nothing. Time goes on meanwhile. */
  replace(transform: SegmentTransform): void;
  /** From the next segment on, sends the clip as it is. */
  restore(): void;
}
