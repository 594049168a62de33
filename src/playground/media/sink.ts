/** Interface of the two ways to play: WebCodecs (frame-sink.ts) and MediaSource (media-sink.ts). */
import type { Mp4Track } from "./mp4-boxes.ts";
import type { Mp4Piece } from "./mp4-pieces.ts";

export interface Sink {
  /** Switches to new tracks; false if that needs a new sink, or if this one has failed. May throw Unplayable. */
  accepts(tracks: readonly Mp4Track[]): boolean;
  /** Takes pieces in order. Resolves when more may come; throws if the browser cannot go on. */
  take(pieces: readonly Mp4Piece[]): Promise<void>;
  /** Seconds from the picture that is shown to the newest that was taken; null before the first. */
  readonly behind: number | null;
  /** Detaches from the element. */
  close(): void;
}

/** This browser cannot play the channel's codecs. */
export class Unplayable extends Error {
  override readonly name = "Unplayable";
  readonly codecs: string;
  constructor(codecs: string) {
    super(`this browser cannot play ${codecs}`);
    this.codecs = codecs;
  }
}
