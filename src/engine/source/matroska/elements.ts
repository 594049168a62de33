/** Assembles the elements of a Matroska channel from bytes that are cut anywhere. */
import { concatBytes } from "../../../media/bytes.ts";
import { type Element, type ElementHeader, readElementHeader } from "../../../media/ebml.ts";
import { HeldBytes } from "./held-bytes.ts";
import { MKV } from "./ids.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** No block of a live stream is this large. */
const MAX_BLOCK_BYTES = 16 * MIB;

/** Elements that are opened, so that their children leave one by one. They may be of unknown size. */
const OPENED: ReadonlySet<number> = new Set([MKV.segment, MKV.cluster]);
/** Elements that are read as a whole, and the size that each may have. */
const WHOLE: ReadonlyMap<number, number> = new Map([
  [MKV.ebml, 64 * KIB],
  [MKV.info, 64 * KIB],
  [MKV.tracks, 4 * MIB],
  [MKV.timestamp, 8],
  [MKV.simpleBlock, MAX_BLOCK_BYTES],
  [MKV.blockGroup, MAX_BLOCK_BYTES],
]);
/** Elements that are skipped. The size of a larger one may be damaged, so the next cluster is searched instead. */
const MAX_SKIPPED_BYTES = 16 * MIB;
const SKIPPED: ReadonlySet<number> = new Set([
  MKV.void,
  MKV.crc,
  MKV.seekHead,
  MKV.cues,
  MKV.chapters,
  MKV.attachments,
  MKV.tags,
  MKV.silentTracks,
  MKV.position,
  MKV.prevSize,
  MKV.encryptedBlock,
]);
/** Unknown elements of up to this size are skipped; a larger one is taken for damage. */
const MAX_UNKNOWN_BYTES = 64 * KIB;

const ID_BYTES = 4;
const EBML_START = Buffer.of(0x1a, 0x45, 0xdf, 0xa3);
const CLUSTER_START = Buffer.of(0x1f, 0x43, 0xb6, 0x75);
const NOTHING: Uint8Array = new Uint8Array(0);

/** True if a file or a cluster begins here: what a segment begins with, unless it continues an element. */
export const isMatroskaStart = (bytes: Uint8Array): boolean =>
  startsWith(bytes, EBML_START) || startsWith(bytes, CLUSTER_START);

/**
 * Returns elements in the order of the file, without their nesting: IDs differ between levels, and live streams leave
 * the sizes of their parents unknown. Bytes that cannot be an element cost everything up to the next file or cluster.
 * Holds at most one block.
 */
export class ElementAssembler {
  readonly #held = new HeldBytes();
  /** Bytes of the element under way without which nothing more can be read. */
  #wanted = 0;
  /** Bytes still to be skipped. */
  #skipping = 0;
  /** Searches for the next file or cluster. */
  #lost = false;
  #damaged = false;
  /** The next bytes are the first of a segment; `#head` holds those too few to tell what they are. */
  #atStart = true;
  #head = NOTHING;

  /** The elements that these bytes complete; `data` of an opened one is empty. The views are valid until the next call. */
  push(bytes: Uint8Array): Element[] {
    const next = this.#atStart ? this.#beginSegment(bytes) : bytes;
    if (this.#held.length === 0) {
      const { elements, rest } = this.#read(next);
      this.#held.append(next.subarray(next.length - rest));
      return elements;
    }
    this.#held.append(next);
    if (this.#held.length < this.#wanted) return [];
    const { elements, rest } = this.#read(this.#held.view);
    this.#held.keepLast(rest);
    return elements;
  }

  /** The segment is complete. The element under way may go on in the next one. */
  endSegment(): void {
    this.#atStart = true;
  }

  /** The segment broke off: the element under way will not be completed. */
  breakSegment(): void {
    this.#atStart = true;
    this.#head = NOTHING;
    this.#reset();
    this.#lost = true;
  }

  /** Whether bytes that cannot be an element were found since the last call. */
  takeDamaged(): boolean {
    const damaged = this.#damaged;
    this.#damaged = false;
    return damaged;
  }

  /** The bytes to read, once enough have come to tell whether they continue the last segment's element. */
  #beginSegment(bytes: Uint8Array): Uint8Array {
    const head = this.#head.length > 0 ? concatBytes([this.#head, bytes]) : bytes;
    if (head.length < ID_BYTES) {
      this.#head = head.slice();
      return NOTHING;
    }
    this.#head = NOTHING;
    this.#atStart = false;
    if (isMatroskaStart(head)) this.#reset();
    return head;
  }

  #reset(): void {
    this.#held.keepLast(0);
    this.#skipping = 0;
    this.#lost = false;
  }

  /** The whole elements in `bytes`, and how many bytes are left of one that is cut off. */
  #read(bytes: Uint8Array): { elements: Element[]; rest: number } {
    const elements: Element[] = [];
    const starts = new StartSearch(bytes);
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#skipping, bytes.length - at);
      this.#skipping -= skipped;
      at += skipped;
      if (this.#lost) {
        at = starts.from(at);
        this.#lost = bytes.length - at < ID_BYTES;
      }
      const header = this.#lost ? "cut" : readElementHeader(bytes, at);
      if (header === "cut") {
        this.#wanted = bytes.length - at + 1;
        return { elements, rest: bytes.length - at };
      }
      const handling = header ? handlingOf(header) : "damage";
      if (!header || handling === "damage" || handling === "resync") {
        this.#lost = true;
        this.#damaged ||= handling === "damage";
        at++;
        continue;
      }
      const body = at + header.headerBytes;
      if (handling === "whole" && body + header.size > bytes.length) {
        this.#wanted = header.headerBytes + header.size;
        return { elements, rest: bytes.length - at };
      }
      at = handling === "whole" ? body + header.size : body;
      if (handling === "skip") this.#skipping = header.size;
      else elements.push({ id: header.id, data: bytes.subarray(body, at) });
    }
  }
}

/** What to do at a header. `resync`: skip the element by searching for what comes after it. */
function handlingOf({ id, size }: ElementHeader): "open" | "whole" | "skip" | "resync" | "damage" {
  if (OPENED.has(id)) return "open";
  const largest = WHOLE.get(id);
  if (largest !== undefined) return size <= largest ? "whole" : "damage";
  if (SKIPPED.has(id)) return size <= MAX_SKIPPED_BYTES ? "skip" : "resync";
  return size <= MAX_UNKNOWN_BYTES ? "skip" : "damage";
}

/** Finds where files and clusters begin; all calls together take time that is linear in the bytes. */
class StartSearch {
  readonly #bytes: Uint8Array;
  #file = -1;
  #cluster = -1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The first start at or after `at`, else the last bytes, where one may begin. `at` must not decrease between calls. */
  from(at: number): number {
    if (this.#file < at) this.#file = this.#find(EBML_START, at);
    if (this.#cluster < at) this.#cluster = this.#find(CLUSTER_START, at);
    return Math.min(this.#file, this.#cluster, Math.max(at, this.#bytes.length - ID_BYTES + 1));
  }

  #find(start: Buffer, at: number): number {
    const found: number = Buffer.prototype.indexOf.call(this.#bytes, start, at);
    return found < 0 ? Number.POSITIVE_INFINITY : found;
  }
}

const startsWith = (bytes: Uint8Array, start: Uint8Array): boolean =>
  start.every((byte, index) => bytes[index] === byte);
