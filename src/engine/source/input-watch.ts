/** Reports an input that delivers bytes but no pictures: audio alone, another codec, or damage. */
import type { PlainError } from "../../errors.ts";

const LOOK_MS = 1000;
/** Bytes without a picture over this many looks are trouble: five seconds. */
const MAX_BLIND_LOOKS = 5;

export interface InputWatchOptions {
  readonly bytesIn: () => number;
  readonly framesIn: () => number;
  readonly framesDecoded: () => number;
  /** True while what is wrong has been reported, or the input is not to blame: a decoder that has not returned yet. */
  readonly isExplained: () => boolean;
  /** What is wrong, once; null when pictures come again. */
  readonly report: (error: PlainError | null) => void;
}

interface InputCounts {
  readonly bytes: number;
  readonly frames: number;
  readonly decoded: number;
}

/** Looks once a second, from the start of a stream to its end. A silent input is not reported. */
export class InputWatch implements Disposable {
  readonly #options: InputWatchOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  /** What had come in when a frame was decoded last. */
  #seen: InputCounts = { bytes: 0, frames: 0, decoded: 0 };
  /** Looks since the first that found bytes and no picture, and up to the last that found more bytes. */
  #blind = { looks: 0, looksWithBytes: 0 };
  #bytes = 0;
  #isReported = false;

  constructor(options: InputWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { bytesIn, framesIn, framesDecoded, isExplained, report } = this.#options;
    const now: InputCounts = { bytes: bytesIn(), frames: framesIn(), decoded: framesDecoded() };
    if (now.decoded > this.#seen.decoded) {
      this.#seen = now;
      this.#blind = { looks: 0, looksWithBytes: 0 };
      this.#bytes = now.bytes;
      if (this.#isReported) report(null);
      this.#isReported = false;
      return;
    }
    if (now.bytes > this.#seen.bytes) this.#blind.looks++;
    if (now.bytes > this.#bytes) this.#blind.looksWithBytes = this.#blind.looks;
    this.#bytes = now.bytes;
    // The last bytes before a pause often make no picture.
    const { looks, looksWithBytes } = this.#blind;
    const blindLooks = now.decoded > 0 ? looksWithBytes : looks;
    if (blindLooks < MAX_BLIND_LOOKS || this.#isReported || isExplained()) return;
    this.#isReported = true;
    const [bytes, frames] = [now.bytes - this.#seen.bytes, now.frames - this.#seen.frames];
    report(noPicture({ bytes, frames, decoded: now.decoded }));
  }
}

/** An error about the stream's `input`; the server puts in the name of the caller's field. */
function noPicture({ bytes, frames, decoded }: InputCounts): PlainError {
  const since = decoded > 0 ? " since its last picture" : "";
  const problem =
    frames > 0
      ? `has brought ${frames} frames${since} and none could be decoded: send a key frame every few seconds`
      : `has brought ${bytes} bytes${since} and no video: send it as MPEG-TS, fragmented MP4, Matroska or WebM`;
  return {
    kind: "unsupported_media",
    message: `input ${problem}`,
    details: [{ field: "input", problem }],
  };
}
