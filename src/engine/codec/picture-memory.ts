/** Reuses the memory of pictures that have been shown for the next ones that are converted. */
import type { Picture } from "../../media/picture.ts";

/** One picture is converted while another is shown. */
const KEPT = 2;
/** The models of a plan may take pictures of several sizes in turn. */
const ASKED = 8;

/**
 * Belongs to one stream. New memory costs a page fault for each 4 KB, and brings the next garbage collection nearer.
 *
 * @example
 * const memory = new PictureMemory();
 * const data = memory.take(pictureBytes(width, height)); // to be filled
 * memory.give({ data, width, height }); // nobody uses it any more
 */
export class PictureMemory {
  #free: Uint8Array<ArrayBuffer>[] = [];
  /** The last sizes that were asked for: buffers of other sizes would never be reused. */
  #asked: readonly number[] = [];

  /** Returns memory of this many bytes with arbitrary content. The caller owns it. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    this.#asked = [bytes, ...this.#asked].slice(0, ASKED);
    const at = this.#free.findIndex(({ byteLength }) => byteLength === bytes);
    const [found] = at < 0 ? [] : this.#free.splice(at, 1);
    this.#free = this.#free.filter(({ byteLength }) => this.#asked.includes(byteLength));
    return found ?? new Uint8Array(bytes);
  }

  /** Takes back the memory of a picture that nobody uses any more. */
  give({ data }: Picture): void {
    if (!this.#asked.includes(data.byteLength)) return;
    this.#free.push(data);
    if (this.#free.length > KEPT) this.#free.shift(); // its size may be an earlier one
  }
}
