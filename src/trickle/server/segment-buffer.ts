/** Stores one segment while it is written and read: append-only pages that all readers share. */
import type { Quota } from "./quota.ts";
import type { LingeringSegment, SegmentMemory } from "./segment-memory.ts";

/** What a reader finds at its position. */
export type SegmentRead =
  /** A view of shared memory, not to be changed. */
  | { readonly kind: "data"; readonly data: Uint8Array }
  | { readonly kind: "end" }
  /** The memory was reclaimed before this reader had read it. */
  | { readonly kind: "lost" }
  /** Nothing yet: read again when `changed` resolves. */
  | { readonly kind: "wait"; readonly changed: Promise<void> };

/** What a write came to. A `Quota` is the one that has no room left for the bytes. */
export type SegmentWrite = "ok" | "segment_full" | Quota;

interface Page {
  readonly bytes: Uint8Array;
  /** Position in the segment of the page's first byte. */
  readonly start: number;
  /** Who pays for it. */
  readonly quota: Quota;
}

const FIRST_PAGE = 4 * 1024;
const LARGEST_PAGE = 256 * 1024;

/** Small writes share a page, so memory use follows the number of bytes and not the number of writes. */
export class SegmentBuffer implements LingeringSegment {
  readonly seq: number;
  /** Resolves when it accepts no more bytes. */
  readonly closed: Promise<void>;
  readonly #memory: SegmentMemory;
  readonly #maxBytes: number;
  readonly #pages: Page[] = [];
  readonly #close = Promise.withResolvers<void>();
  #changed = Promise.withResolvers<void>();
  #length = 0;
  #capacity = 0;
  #readers = 0;
  #evicted = false;
  #state: "open" | "closed" | "freed" = "open";

  constructor(seq: number, memory: SegmentMemory, maxBytes: number) {
    this.seq = seq;
    this.closed = this.#close.promise;
    this.#memory = memory;
    this.#maxBytes = maxBytes;
  }

  /** Accepts no more bytes. Those that it has can still be read. */
  get isClosed(): boolean {
    return this.#state !== "open";
  }

  /**
   * Copies all of the bytes into the segment, or none of them, at the writer's expense. Once the segment is closed they
   * are ignored, as in go-livepeer.
   */
  write(data: Uint8Array, quota: Quota): SegmentWrite {
    if (this.#state !== "open") return "ok";
    if (this.#length + data.byteLength > this.#maxBytes) return "segment_full";
    const room = this.#capacity - this.#length;
    const missing = data.byteLength - room;
    const size = Math.max(missing, Math.min(LARGEST_PAGE, this.#capacity), FIRST_PAGE);
    const exhausted = missing > 0 ? this.#memory.take(quota, size) : null;
    if (exhausted !== null) return exhausted;
    this.#append(data.subarray(0, room));
    if (missing > 0) {
      this.#pages.push({ bytes: new Uint8Array(size), start: this.#capacity, quota });
      this.#capacity += size;
      this.#append(data.subarray(room));
    }
    this.#notifyReaders();
    return "ok";
  }

  /** The bytes from a position to the end of their page. */
  read(position: number): SegmentRead {
    if (position < this.#length) {
      const page = this.#pages.findLast((candidate) => candidate.start <= position);
      if (page === undefined) return { kind: "lost" };
      const end = Math.min(page.bytes.byteLength, this.#length - page.start);
      return { kind: "data", data: page.bytes.subarray(position - page.start, end) };
    }
    if (this.#state !== "open") return { kind: "end" };
    return { kind: "wait", changed: this.#changed.promise };
  }

  /** Keeps the memory for a reader, as long as there is enough of it, until the returned function is called. */
  retain(): () => void {
    this.#readers++;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#readers--;
      if (this.#evicted && this.#readers === 0) this.free();
    };
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closed";
    this.#close.resolve();
    this.#notifyReaders();
  }

  /** Closes the segment. Its memory is freed once no reader retains it. */
  evict(): void {
    this.close();
    this.#evicted = true;
    if (this.#readers === 0) this.free();
    else this.#memory.addLingering(this);
  }

  isChargedTo(quota: Quota): boolean {
    return this.#pages.some((page) => page.quota.isWithin(quota));
  }

  /** Returns the memory now. Readers that are not done find it `lost`. */
  free(): void {
    this.close();
    if (this.#state === "freed") return;
    this.#state = "freed";
    this.#memory.removeLingering(this);
    for (const { bytes, quota } of this.#pages) quota.give(bytes.byteLength);
    this.#pages.length = 0;
    this.#notifyReaders();
  }

  #append(data: Uint8Array): void {
    const page = this.#pages.at(-1);
    if (page === undefined || data.byteLength === 0) return;
    page.bytes.set(data, this.#length - page.start);
    this.#length += data.byteLength;
  }

  #notifyReaders(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
