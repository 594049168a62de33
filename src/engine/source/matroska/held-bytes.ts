/** Holds bytes that arrive in small pieces, at a cost that is linear in their number. */

const NOTHING: Uint8Array = new Uint8Array(0);
/** Larger memory is given back once it holds nothing. */
const MAX_IDLE_BYTES = 256 * 1024;

export class HeldBytes {
  #bytes = NOTHING;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** A view of what is held, valid until the next `append`. */
  get view(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Takes a copy. */
  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Forgets everything but the last bytes. */
  keepLast(count: number): void {
    this.#start = this.#end - count;
    if (count > 0) return;
    this.#start = 0;
    this.#end = 0;
    if (this.#bytes.length > MAX_IDLE_BYTES) this.#bytes = NOTHING;
  }

  #makeRoom(count: number): void {
    const needed = this.length + count;
    const room = needed <= this.#bytes.length / 2 ? this.#bytes : new Uint8Array(2 * needed);
    room.set(this.view);
    this.#end = this.length;
    this.#start = 0;
    this.#bytes = room;
  }
}
