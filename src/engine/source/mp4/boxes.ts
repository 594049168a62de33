/** Assembles the top-level boxes of an MP4 channel from bytes that are cut anywhere. */
import { type BoxHeader, boxType, MAX_HEADER_BYTES, readBoxHeader } from "../../../media/boxes.ts";

/** A whole box. Positions count the bytes of the channel. */
export interface TopLevelBox {
  readonly type: string;
  /** Of the box, and of the first byte of its body. */
  readonly position: number;
  readonly bodyPosition: number;
  /** A view without the header; its buffer is not used again. */
  readonly body: Uint8Array;
}

const SHORT_HEADER_BYTES = 8;
const NOTHING: Uint8Array = new Uint8Array(0);

/** Types of boxes on the top level: what a segment begins with, unless it continues a box. */
const TOP_LEVEL = new Set(
  "ftyp styp moov moof mdat sidx ssix emsg prft free skip wide uuid pdin mfra meta".split(" "),
);

/** True if a box of a known type begins here; 8 bytes tell. */
export const isTopLevelBox = (bytes: Uint8Array): boolean => TOP_LEVEL.has(boxType(bytes, 4));

export class BoxAssembler {
  readonly #maxBytes: number;
  /** What has come of the current box, and how many bytes it must have. */
  #parts: Uint8Array[] = [];
  #waiting = 0;
  #wanted = 0;
  /** Position of the first of these bytes. */
  #position = 0;
  #segmentStart = 0;
  /** The next bytes are the first of a segment; `head` holds those too few to tell what they are. */
  #atStart = true;
  #head = NOTHING;
  /** The next box of this segment cannot be found. */
  #lost = false;
  #refused: { readonly type: string; readonly size: number } | null = null;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Position of the current segment's first byte. */
  get segmentStart(): number {
    return this.#segmentStart;
  }

  /** The boxes that these bytes complete. A box larger than the limit costs the rest of its segment. */
  push(bytes: Uint8Array): TopLevelBox[] {
    if (this.#lost) {
      this.#position += bytes.length;
      return [];
    }
    const next = this.#atStart ? this.#beginSegment(bytes) : bytes;
    this.#parts.push(next);
    this.#waiting += next.length;
    if (this.#waiting < this.#wanted && this.#waiting <= this.#maxBytes) return [];
    const boxes: TopLevelBox[] = [];
    const data = Buffer.concat(this.#parts);
    let at = 0;
    let header = readBoxHeader(data, at);
    while (header && at + header.size <= data.length) {
      boxes.push(this.#box(data, at, header, at + header.size));
      at += header.size;
      header = readBoxHeader(data, at);
    }
    this.#position += at;
    this.#keep(data.subarray(at));
    this.#expect(header);
    return boxes;
  }

  /** The segment is complete. That ends a box that reaches to the end of its file; others may go on in the next. */
  endSegment(): TopLevelBox[] {
    this.#endSegment();
    if (Number.isFinite(this.#wanted) || this.#waiting === 0) return [];
    const data = Buffer.concat(this.#parts);
    const header = readBoxHeader(data, 0);
    const boxes = header ? [this.#box(data, 0, header, data.length)] : [];
    this.#skip();
    return boxes;
  }

  /** The segment broke off: a box that is cut will not be completed. */
  breakSegment(): void {
    this.#endSegment();
    this.#skip();
  }

  /** The box that was too large since the last call, if there was one. */
  takeRefused(): { readonly type: string; readonly size: number } | null {
    const refused = this.#refused;
    this.#refused = null;
    return refused;
  }

  #box(data: Uint8Array, at: number, header: BoxHeader, end: number): TopLevelBox {
    return {
      type: header.type,
      position: this.#position + at,
      bodyPosition: this.#position + at + header.headerBytes,
      body: data.subarray(at + header.headerBytes, end),
    };
  }

  /** The bytes to read, once enough have come to tell whether they continue the last segment's box. */
  #beginSegment(bytes: Uint8Array): Uint8Array {
    const head = this.#head.length > 0 ? Buffer.concat([this.#head, bytes]) : bytes;
    if (head.length < SHORT_HEADER_BYTES) {
      this.#head = head.slice();
      return NOTHING;
    }
    this.#head = NOTHING;
    this.#atStart = false;
    if (isTopLevelBox(head)) this.#skip();
    this.#segmentStart = this.#position + this.#waiting;
    return head;
  }

  #endSegment(): void {
    this.#atStart = true;
    this.#lost = false;
    this.#head = NOTHING;
  }

  /** Waits for the rest of the box that begins with what was kept; `header` is null if that is too short. */
  #expect(header: BoxHeader | null): void {
    const short = this.#waiting < SHORT_HEADER_BYTES ? SHORT_HEADER_BYTES : MAX_HEADER_BYTES;
    this.#wanted = header?.size ?? short;
    const size = Number.isFinite(this.#wanted) ? this.#wanted : this.#waiting;
    if (header && size > this.#maxBytes) this.#refused = { type: header.type, size };
    if (size > this.#maxBytes || (!header && this.#waiting >= MAX_HEADER_BYTES)) {
      this.#skip();
      this.#lost = true;
    }
  }

  /** Drops the part of a box that has come. */
  #skip(): void {
    this.#position += this.#waiting;
    this.#keep(NOTHING);
    this.#wanted = 0;
  }

  #keep(rest: Uint8Array): void {
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#waiting = rest.length;
  }
}
