/** Reuses the memory of pictures that have been shown for the next ones that are converted. */
import type { Picture } from "../../media/picture.ts";

/** One picture is converted while another is shown. */
const KEPT = 2;

/**
 * Belongs to one stream. New memory costs a page fault for each 4 KB, and brings the next garbage collection nearer.
 *
 * @example
 * const memory = new PictureMemory();
 * const data = memory.take(pictureBytes(width, height)); // to be filled
 * memory.give({ data, width, height }); // nobody uses it any more
 */
export class PictureMemory {
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  /** Sizes that were asked for: memory of others would never be taken. */
  readonly #asked = new Set<number>();

  /** Returns memory of this many bytes with arbitrary content. The caller owns it. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    this.#asked.add(bytes);
    const at = this.#free.findIndex(({ byteLength }) => byteLength === bytes);
    const [found] = at < 0 ? [] : this.#free.splice(at, 1);
    return found ?? new Uint8Array(bytes);
  }

  /** Takes back the memory of a picture that nobody uses any more. */
  give({ data }: Picture): void {
    if (!this.#asked.has(data.byteLength)) return;
    this.#free.push(data);
    if (this.#free.length > KEPT) this.#free.shift(); // its size may be an earlier one
  }
}
