/** Hides how a segment is kept while it is written and read: pages that many readers share, within a budget. */

/** Memory that all segments of a server share. Old segments kept for slow readers make room for new bytes. */
export class ByteBudget {
  readonly limit: number;
  readonly #lingering = new Set<SegmentBuffer>();
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes bytes if they are there or can be had from lingering segments, the oldest first. */
  take(bytes: number): boolean {
    for (const segment of this.#lingering) {
      if (this.#used + bytes <= this.limit) break;
      segment.free();
    }
    if (this.#used + bytes > this.limit) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number, owner: SegmentBuffer): void {
    this.#lingering.delete(owner);
    this.#used -= bytes;
  }

  /** No channel holds the segment any more, a reader does. */
  linger(segment: SegmentBuffer): void {
    this.#lingering.add(segment);
  }
}

/** What a reader finds at its position. */
export type SegmentRead =
  /** A view on shared memory: not to be changed. */
  | { readonly kind: "data"; readonly data: Uint8Array }
  | { readonly kind: "end" }
  /** The pages were given up while this reader still wanted them. */
  | { readonly kind: "lost" }
  /** Nothing yet: read again when `changed` resolves. */
  | { readonly kind: "wait"; readonly changed: Promise<void> };

const FIRST_PAGE = 4 * 1024;
const LARGEST_PAGE = 256 * 1024;

/** Append-only bytes of one segment. Tiny writes share a page, so that memory follows the bytes, not their number. */
export class SegmentBuffer {
  readonly seq: number;
  /** Resolves when it takes no more bytes. */
  readonly closed: Promise<void>;
  readonly #budget: ByteBudget;
  readonly #maxBytes: number;
  readonly #pages: { readonly bytes: Uint8Array; readonly start: number }[] = [];
  readonly #close = Promise.withResolvers<void>();
  #changed = Promise.withResolvers<void>();
  #length = 0;
  #capacity = 0;
  #readers = 0;
  #evicted = false;
  #state: "open" | "closed" | "freed" = "open";

  constructor(seq: number, budget: ByteBudget, maxBytes: number) {
    this.seq = seq;
    this.closed = this.#close.promise;
    this.#budget = budget;
    this.#maxBytes = maxBytes;
  }

  /** Takes no more bytes; what is there can still be read. */
  get isClosed(): boolean {
    return this.#state !== "open";
  }

  /** Copies the bytes in, all or none, once for all readers. After the close they are ignored, as in go-livepeer. */
  write(data: Uint8Array): "ok" | "segment_full" | "memory_full" {
    if (this.#state !== "open") return "ok";
    if (this.#length + data.byteLength > this.#maxBytes) return "segment_full";
    const room = this.#capacity - this.#length;
    const missing = data.byteLength - room;
    const size = Math.max(missing, Math.min(LARGEST_PAGE, this.#capacity), FIRST_PAGE);
    if (missing > 0 && !this.#budget.take(size)) return "memory_full";
    this.#append(data.subarray(0, room));
    if (missing > 0) {
      this.#pages.push({ bytes: new Uint8Array(size), start: this.#capacity });
      this.#capacity += size;
      this.#append(data.subarray(room));
    }
    this.#wake();
    return "ok";
  }

  /** The bytes from a position on, as far as they lie together. */
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

  /** Keeps its memory for a reader, if there is enough, until the returned function is called. */
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
    this.#wake();
  }

  /** Closes it; its memory goes with its last reader. */
  evict(): void {
    this.close();
    this.#evicted = true;
    if (this.#readers === 0) this.free();
    else this.#budget.linger(this);
  }

  /** Gives its memory back now; readers that were not through find it `lost`. */
  free(): void {
    this.close();
    if (this.#state === "freed") return;
    this.#state = "freed";
    this.#pages.length = 0;
    this.#budget.give(this.#capacity, this);
    this.#wake();
  }

  #append(data: Uint8Array): void {
    const page = this.#pages.at(-1);
    if (page === undefined || data.byteLength === 0) return;
    page.bytes.set(data, this.#length - page.start);
    this.#length += data.byteLength;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
