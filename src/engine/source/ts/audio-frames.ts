/** Cuts the elementary stream of an audio track into frames by their own headers. */
import { concatBytes } from "../../../media/bytes.ts";
import type { AudioFormat } from "../../../media/encoded-packet.ts";

/** What the header of a frame says. */
export interface FrameHeader {
  /** Bytes in front that the decoder does not take. */
  readonly headerBytes: number;
  /** Bytes of the whole frame. */
  readonly frameBytes: number;
  /** Samples of each channel at the format's rate. */
  readonly samples: number;
  /** Null if the frame cannot be decoded by itself: it is skipped. */
  readonly format: AudioFormat | null;
}

/** How frames of one codec begin. */
export interface FrameSyntax {
  /** The first byte of every frame. */
  readonly sync: number;
  /** Bytes from which a header can be read. */
  readonly headerBytes: number;
  /** The frame that begins at `at`; null if none does. */
  read(bytes: Uint8Array, at: number): FrameHeader | null;
}

/** One frame. */
export interface AudioFrame extends AudioFormat {
  readonly data: Uint8Array;
  readonly samples: number;
  /** It began in the bytes read before these. */
  readonly carried: boolean;
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** Finds frames in PES payloads that follow each other. A frame may begin in one and end in a later one. */
export class FrameReader {
  readonly #syntax: FrameSyntax;
  /** The beginning of a frame. */
  #rest = NOTHING;

  constructor(syntax: FrameSyntax) {
    this.#syntax = syntax;
  }

  /** The frames that `payload` completes. Garbage between them is skipped. */
  read(payload: Uint8Array): AudioFrame[] {
    const { sync, headerBytes, read } = this.#syntax;
    const rest = this.#continues(payload) ? this.#rest : NOTHING;
    const bytes = rest.length > 0 ? concatBytes([rest, payload]) : payload;
    const frames: AudioFrame[] = [];
    let at = 0;
    while (at + headerBytes <= bytes.length) {
      const header = read(bytes, at);
      if (header && at + header.frameBytes > bytes.length) break;
      if (header?.format) {
        const data = bytes.slice(at + header.headerBytes, at + header.frameBytes);
        const { format, samples } = header;
        frames.push({ ...format, data, samples, carried: at < rest.length });
      }
      const next = header ? at + header.frameBytes : bytes.indexOf(sync, at + 1);
      at = next < 0 ? bytes.length : next;
    }
    this.#rest = bytes.slice(at);
    return frames;
  }

  /** Forgets a frame that is under way. */
  drop(): void {
    this.#rest = NOTHING;
  }

  /** False if the end of the frame under way was lost: another frame begins where it should go on. */
  #continues(payload: Uint8Array): boolean {
    const { headerBytes, read } = this.#syntax;
    if (this.#rest.length === 0 || !read(payload, 0)) return true;
    const joined = concatBytes([this.#rest, payload.subarray(0, headerBytes)]);
    const missing = (read(joined, 0)?.frameBytes ?? 0) - this.#rest.length;
    // What looks like a header may be in the middle of the frame, if the next one follows where it ends.
    return (
      missing > 0 && missing <= payload.length - headerBytes && read(payload, missing) !== null
    );
  }
}
