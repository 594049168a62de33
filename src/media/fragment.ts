/** Declares the fragments that segmenters make: bytes that leave at once. */
import type { Ticks } from "./time.ts";

/** Some bytes of a segment: in fMP4 a `moof` and its `mdat`, at a segment's start with everything before it. */
export interface Fragment {
  readonly data: Uint8Array;
  /** A new segment begins here, with an IDR picture. */
  readonly first: boolean;
  readonly pts: Ticks;
  /** Of the video frame inside; null where there is only audio. */
  readonly arrivedAt: number | null;
  /** `performance.now()` when the encoder gave the video frame inside. */
  readonly encodedAt?: number | undefined;
  readonly width: number;
  readonly height: number;
}
