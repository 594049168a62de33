/** Chunks that carry their number, and a reader that records when each was complete. */
import { CLIP_FPS } from "./clip.ts";

/** 20 KB: a frame at 5 Mbit/s. */
export const CHUNK_BYTES = 20_480;
const NUMBER_BYTES = 4;

/** Chunks for this many seconds at 30 a second; each begins with its number. */
export function numberedChunks(seconds: number): Uint8Array[] {
  return Array.from({ length: seconds * CLIP_FPS }, (_, number) => {
    const chunk = new Uint8Array(CHUNK_BYTES).fill(0x47);
    new DataView(chunk.buffer).setUint32(0, number);
    return chunk;
  });
}

/** Reassembles the chunks of one channel, however the bytes were cut on their way. */
export class Arrivals {
  /** `performance.now()` at which the last byte of a chunk arrived, by the chunk's number. */
  readonly at = new Map<number, number>();
  #number = 0;
  /** Position in the chunk that is being read. */
  #offset = 0;

  /** `first`: the bytes begin a chunk, even if the one before is incomplete. */
  push(bytes: Uint8Array, arrivedAt: number, first = false): void {
    if (first) this.#offset = 0;
    for (let position = 0; position < bytes.length; ) {
      if (this.#offset < NUMBER_BYTES) {
        const known = this.#offset === 0 ? 0 : this.#number;
        this.#number = known * 256 + (bytes[position] ?? 0);
        this.#offset++;
        position++;
        continue;
      }
      const taken = Math.min(CHUNK_BYTES - this.#offset, bytes.length - position);
      this.#offset += taken;
      position += taken;
      if (this.#offset < CHUNK_BYTES) break;
      this.at.set(this.#number, arrivedAt);
      this.#offset = 0;
    }
  }
}
