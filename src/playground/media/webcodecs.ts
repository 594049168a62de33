/** What the encoders of picture and sound share: a common clock, and bytes. */

/**
 * Maps a track's timestamps to the page's clock, as tracks of one camera may count from different moments. Microseconds.
 */
export class PageTime {
  #offset: number | null = null;

  /** Declares that `timestamp` is now; only the first call counts. */
  anchor(timestamp: number): void {
    this.#offset ??= Math.round(performance.now() * 1000) - timestamp;
  }

  of(timestamp: number): number {
    return timestamp + (this.#offset ?? 0);
  }
}

type Chunk = EncodedVideoChunk | EncodedAudioChunk;

/** The bytes of an encoded chunk (a copy) or of a decoder's description (a view). */
export function bytesOf(source: Chunk | AllowSharedBufferSource): Uint8Array {
  if ("copyTo" in source) {
    const bytes = new Uint8Array(source.byteLength);
    source.copyTo(bytes);
    return bytes;
  }
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
