/** Notices an input that brings bytes and no picture: sound alone, another codec, damage. */
import type { PlainError } from "../../errors.ts";

/** Bytes that make no picture for this long are trouble. */
const BLIND_MS = 5000;

export interface InputWatchOptions {
  /** What the caller named the channel by. */
  readonly field: string;
  readonly bytesIn: () => number;
  readonly framesIn: () => number;
  readonly framesOut: () => number;
  /** What is wrong, once; null when a picture came after all. */
  readonly report: (error: PlainError | null) => void;
}

/** Looks every five seconds until the first picture. An input that is quiet is none of its business. */
export class InputWatch implements Disposable {
  readonly #options: InputWatchOptions;
  #timer: ReturnType<typeof setTimeout>;
  #seen = 0;
  #blind = false;

  constructor(options: InputWatchOptions) {
    this.#options = options;
    this.#timer = this.#again();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #again(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#look(), BLIND_MS);
  }

  #look(): void {
    const { field, bytesIn, framesIn, framesOut, report } = this.#options;
    if (framesOut() > 0) {
      if (this.#blind) report(null);
      return;
    }
    const bytes = bytesIn();
    if (bytes > this.#seen && !this.#blind) {
      this.#blind = true;
      report(noPicture(field, bytes, framesIn()));
    }
    this.#seen = bytes;
    this.#timer = this.#again();
  }
}

const noPicture = (field: string, bytes: number, frames: number): PlainError => ({
  kind: "unsupported_media",
  message:
    frames > 0
      ? `${field} has brought ${frames} frames and none could be shown: send H.264 or H.265 with a key frame every few seconds`
      : `${field} has brought ${bytes} bytes and no video: send H.264 or H.265 in MPEG-TS or fragmented MP4`,
});
