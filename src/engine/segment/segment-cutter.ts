/** Decides with which pictures segments begin: by the time and the bytes of the segment so far. */
import { TS_PACKET_BYTES } from "../../media/mpeg-ts.ts";
import { type Ticks, ticksFromSeconds } from "../../media/time.ts";

/** A segment is full with so many bytes of video: orchestrators refuse segments above 10,000,000 (live-runner.md 6). */
const FULL_BYTES = 8_000_000;
/** A picture that would bring its segment beyond this is left out. The rest is room for ten seconds of audio. */
const MAX_BYTES = 9_400_000;
/** What MPEG-TS adds to a picture: headers of 4 bytes in 188, one of its PES, and program clocks. fMP4 adds less. */
const TS_FACTOR = TS_PACKET_BYTES / (TS_PACKET_BYTES - 4);
const TS_BYTES = 3 * TS_PACKET_BYTES;

/** Counts the segment that is being made. */
export class SegmentCutter {
  readonly #length: Ticks;
  #start = 0;
  #bytes = 0;
  /** Of the newest picture that is not a key frame: the next one will be about as large. */
  #lastBytes = 0;
  #mustCut = false;

  constructor(seconds: number) {
    this.#length = ticksFromSeconds(seconds);
  }

  /** Whether the picture at `pts` should begin a segment. `interval`: its distance from the one before. */
  isDue(pts: Ticks, interval: number): boolean {
    if (this.#mustCut || this.#bytes + this.#lastBytes >= FULL_BYTES) return true;
    // Of the two pictures around the aim, the nearer one begins the segment. After a gap, the interval is not that of the
    // pictures to come.
    return pts + Math.min(interval, this.#length) / 2 >= this.#start + this.#length;
  }

  /** A segment begins with the picture at `pts`. */
  begin(pts: Ticks): void {
    this.#start = pts;
    this.#bytes = 0;
    this.#mustCut = false;
  }

  /**
   * Takes an encoded picture into the segment. Returns false if it does not fit: it must be left out, and the pictures
   * after it, which depend on it, wait for a new segment.
   */
  add({ data, keyFrame }: { readonly data: Uint8Array; readonly keyFrame: boolean }): boolean {
    const bytes = Math.ceil(data.length * TS_FACTOR) + TS_BYTES;
    this.#mustCut = this.#bytes + bytes > MAX_BYTES;
    if (this.#mustCut) return false;
    this.#bytes += bytes;
    if (!keyFrame) this.#lastBytes = bytes;
    return true;
  }
}
