/** Notices an input that brings bytes and no picture: sound alone, another codec, damage. */
import type { PlainError } from "../../errors.ts";

/** Bytes that make no picture for this long are trouble. */
const BLIND_MS = 5000;

export interface InputWatchOptions {
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
    const { bytesIn, framesIn, framesOut, report } = this.#options;
    if (framesOut() > 0) {
      if (this.#blind) report(null);
      return;
    }
    const bytes = bytesIn();
    if (bytes > this.#seen && !this.#blind) {
      this.#blind = true;
      report(noPicture(bytes, framesIn()));
    }
    this.#seen = bytes;
    this.#timer = this.#again();
  }
}

/** An error about the stream's `input`; the server puts in the name of the caller's field. */
function noPicture(bytes: number, frames: number): PlainError {
  const problem =
    frames > 0
      ? `has brought ${frames} frames and none could be decoded: send H.264 or H.265 with a key frame every few seconds`
      : `has brought ${bytes} bytes and no video: send H.264 or H.265 in MPEG-TS or fragmented MP4`;
  return {
    kind: "unsupported_media",
    message: `input ${problem}`,
    details: [{ field: "input", problem }],
  };
}
