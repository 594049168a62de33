/** Writes a chunk whole: a write may take a part of it, as when a disk is nearly full. */
import type { FileHandle } from "node:fs/promises";

export async function writeAll(
  file: FileHandle,
  chunk: Uint8Array,
  position: number,
): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, at, chunk.length - at, position + at);
    at += bytesWritten;
  }
}
